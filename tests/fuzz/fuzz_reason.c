/* fuzz_reason -- any text as a reply: no crash, a name, a rule, and the invariants of reason.h.
