"""The places of a C file at which a branch can be taken away, and the file with all of them built in.

clang's syntax tree says where things stand; the text is changed by insertions only, so that one compilation holds
every mutant of the file (mutation.h chooses one at run time):

  never, always   the condition of an if, a ternary or a loop (never only), or a comparison that is a value
  drop            one operand of && or ||
  edge            < becomes <=, <= becomes <, and so on
  no case         one case label of a switch; "no default" its default
  stay            a return, break or continue that ends a block, or a case, is passed over
"""
import json
import re
import subprocess

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LOGICAL = ("&&", "||")
EXITS = ("ReturnStmt", "BreakStmt", "ContinueStmt")


class Site:
    """One mutant: which file, function, kind of change and text, by which it is known across edits."""

    def __init__(self, number, path, function, kind, text):
        self.number, self.path, self.function, self.kind, self.text = number, path, function, kind, text
        self.line = 0
        self.nth = 1  # of several with the same words in one function

    def key(self):
        return "%s: %s: %s: %s%s" % (self.path, self.function, self.kind, self.text,
                                     "" if self.nth == 1 else " (%d)" % self.nth)


class SourceFile:
    """Reads the tree of one file, numbers its sites from `first` on and gives the changed text."""

    def __init__(self, root, path, first):
        self.path, self.first = path, first
        with open("%s/%s" % (root, path), "rb") as f:
            self.source = f.read()
        self.sites, self.insertions, self.known = [], [], set()
        self.function, self.order = "", 0
        for node in self._tree(root)["inner"]:
            if node["kind"] == "FunctionDecl" and self._is_ours(node):
                self._function(node)
        seen = {}
        for site in self.sites:
            same = (site.function, site.kind, site.text)
            site.nth = seen[same] = seen.get(same, 0) + 1

    def text(self):
        """The file with every mutant in it."""
        out, at = [], 0
        # At one offset: what closes comes first, the inner before the outer; then what opens, the outer before the inner.
        for offset, _, _, inserted in sorted(self.insertions, key=lambda i: i[:3]):
            out += [self.source[at:offset], inserted.encode()]
            at = offset
        return b'#include "tests/mutation/mutation.h"\n#line 1\n' + b"".join(out) + self.source[at:]

    # ---- reading the tree ----

    def _tree(self, root):
        run = subprocess.run(
            ["clang", "-fsyntax-only", "-Xclang", "-ast-dump=json", "-std=gnu17", "-D_GNU_SOURCE", "-I.", self.path],
            cwd=root, stdout=subprocess.PIPE, check=True)
        return json.loads(run.stdout)

    def _is_ours(self, node):
        """The tree names a file only where it changes; the name that stands at the offset tells as well."""
        if not any(child["kind"] == "CompoundStmt" for child in node.get("inner", [])):
            return False
        at, name = node["loc"].get("offset"), node["name"].encode()
        return at is not None and self.source[at:at + len(name)] == name

    def _place(self, location, end):
        """An offset in our text; the end of a macro's use lies behind its arguments."""
        in_macro = "expansionLoc" in location
        if in_macro and location["expansionLoc"].get("isMacroArgExpansion"):
            location, in_macro = location["spellingLoc"], False
        elif in_macro:
            location = location["expansionLoc"]
        if "offset" not in location:
            return None
        at = location["offset"]
        if not end:
            return at
        at += location["tokLen"]
        if in_macro and self.source[at:at + 1] == b"(":
            at = self._behind_parenthesis(at)
        return at

    def _behind_parenthesis(self, at):
        depth = 0
        for i in range(at, len(self.source)):
            depth += {40: 1, 41: -1}.get(self.source[i], 0)
            if depth == 0:
                return i + 1
        return at

    def _range(self, node):
        begin, end = node["range"]["begin"], node["range"]["end"]
        b, e = self._place(begin, False), self._place(end, True)
        if b is None or e is None or b >= e or e > len(self.source):
            return None
        text = self.source[b:e]
        return (b, e) if text.count(b"(") == text.count(b")") else None

    def _words(self, span):
        words = re.sub(r"\s+", " ", self.source[span[0]:span[1]].decode())
        return words if len(words) <= 120 else words[:117] + "..."

    # ---- making sites ----

    def _site(self, kind, span):
        site = Site(self.first + len(self.sites), self.path, self.function, kind, self._words(span))
        site.line = self.source.count(b"\n", 0, span[0]) + 1
        self.sites.append(site)
        return site.number

    def _is_new(self, kind, span):
        """A macro that names its argument twice shows one text twice."""
        if (kind, span) in self.known:
            return False
        self.known.add((kind, span))
        return True

    def _wrap(self, span, before, after):
        self.order += 1
        self.insertions.append((span[0], 1, self.order, before))
        self.insertions.append((span[1], 0, -self.order, after))

    def _force(self, node, kinds):
        span = self._range(node)
        if not span or not self._is_new("force", span):
            return
        before = ""
        for kind in kinds:
            before += "mutation_at(%d) ? %d : " % (self._site(kind, span), kind == "always")
        self._wrap(span, "(" + before + "!!(", "))")

    def _drop(self, node, operator):
        span = self._range(node)
        if span and self._is_new("drop", span):
            number = self._site("drop from " + operator, span)
            self._wrap(span, ("(mutation_at(%d) || (" if operator == "&&" else "(!mutation_at(%d) && (") % number, "))")

    def _edge(self, node):
        left, right = node["inner"]
        whole, a, b = self._range(node), self._range(left), self._range(right)
        if not whole or not a or not b or not self._is_new("edge", whole):
            return
        if self._is_lesser(whole, a, b):
            return
        number = self._site("edge", whole)
        self._wrap(b if node["opcode"] in ("<", ">=") else a, "((", ") + mutation_at(%d))" % number)

    def _is_lesser(self, whole, a, b):
        """x < y ? x : y, and if (x < y) y = x: at the edge both are the same."""
        x, y = (re.escape(self.source[s[0]:s[1]]) for s in (a, b))
        behind = self.source[whole[1]:]
        return re.match(rb" \? (%s : %s|%s : %s);" % (x, y, y, x), behind) is not None or \
            re.match(rb"\)\s+%s = %s;" % (y, x), behind) is not None

    def _stay(self, statement):
        span = self._range(statement)
        if span and self._is_new("stay", span):
            self.order += 1
            self.insertions.append((span[0], 1, self.order, "if (!mutation_at(%d)) " % self._site("stay", span)))

    # ---- walking ----

    def _function(self, node):
        self.function = node["name"]
        body = [child for child in node["inner"] if child["kind"] == "CompoundStmt"][0]
        self._block(body, is_whole=True)

    def _block(self, node, is_whole=False, may_stay=True):
        children = node.get("inner", [])
        for i, child in enumerate(children):
            if child["kind"] in EXITS and may_stay and not (is_whole and i + 1 == len(children)):
                self._stay(child)
            self._walk(child)

    def _walk(self, node, decided=False):
        """decided: the node's truth is forced already by what stands around it."""
        if not node or "kind" not in node:
            return
        kind, children = node["kind"], node.get("inner", [])
        if kind in ("UnaryExprOrTypeTraitExpr", "ConstantExpr") or node.get("storageClass") == "static":
            return
        if kind == "CompoundStmt":
            self._block(node)
        elif kind in ("IfStmt", "WhileStmt", "DoStmt", "ForStmt"):
            self._branch(kind, children)
        elif kind == "SwitchStmt":
            self._switch(children)
        elif kind == "ConditionalOperator":
            self._condition(children[0], ("never", "always"))
            self._walk(children[1])
            self._walk(children[2])
        elif kind == "BinaryOperator" and node["opcode"] in LOGICAL + COMPARISONS:
            self._truth(node, decided)
        elif kind in ("ImplicitCastExpr", "ParenExpr"):
            self._walk(children[0], decided)
        else:
            for child in children:
                self._walk(child)

    def _condition(self, node, kinds):
        self._force(node, kinds)
        self._walk(node, decided=True)

    def _branch(self, kind, children):
        if kind == "IfStmt":
            self._condition(children[0], ("never", "always"))
            bodies = children[1:]
        elif kind == "ForStmt":
            self._walk(children[0])
            if children[2].get("kind"):
                self._condition(children[2], ("never",))
            self._walk(children[3])
            bodies = children[4:]
        elif kind == "WhileStmt":
            self._condition(children[0], ("never",))
            bodies = children[1:]
        else:
            self._condition(children[1], ("never",))
            bodies = children[:1]
        for body in bodies:
            # The only statement of an if: "never" is the same.
            if body.get("kind") == "CompoundStmt":
                self._block(body, may_stay=kind != "IfStmt" or len(body.get("inner", [])) > 1)
            else:
                self._walk(body)

    def _truth(self, node, decided):
        operator = node["opcode"]
        if not decided:
            self._force(node, ("never", "always"))
        if operator in COMPARISONS:
            if operator not in ("==", "!="):
                self._edge(node)
            for child in node["inner"]:
                self._walk(child)
            return
        for child in node["inner"]:
            inner = child
            while inner["kind"] in ("ImplicitCastExpr", "ParenExpr"):
                inner = inner["inner"][0]
            if inner.get("opcode") != operator:
                self._drop(child, operator)
            self._walk(child, decided=True)

    def _switch(self, children):
        operand, body = children[0], children[1]
        statements = body.get("inner", [])
        labels, has_default = self._labels(statements), any(self._has_default(s) for s in statements)
        numbers, values = [], []
        for label, first_statement in labels:
            if first_statement["kind"] == "BreakStmt" and not has_default:
                continue  # nothing is done either way
            span = self._range(label)
            numbers.append(str(self._site("no case", span)))
            values.append(self._words(span))
        span = self._range(operand)
        if numbers:
            self._wrap(span, "mutation_switch((int)(", "), %d, (const int[]){%s}, (const int[]){%s})" % (
                len(numbers), ", ".join(numbers), ", ".join(values)))
        self._walk(operand)
        for i, statement in enumerate(statements):
            if statement["kind"] == "BreakStmt" and i + 1 < len(statements):
                self._stay(statement)
            while statement["kind"] in ("CaseStmt", "DefaultStmt"):
                is_default, statement = statement["kind"] == "DefaultStmt", statement["inner"][-1]
                if is_default and statement["kind"] != "BreakStmt":
                    self._no_default(statement)
            self._walk(statement)

    def _no_default(self, statement):
        span = self._range(statement)
        if span:
            self.order += 1
            self.insertions.append(
                (span[0], 1, self.order, "if (mutation_at(%d)) break; else " % self._site("no default", span)))

    @staticmethod
    def _labels(statements):
        """(label expression, the first statement behind it) of each case."""
        found = []
        for statement in statements:
            pending = []
            while statement["kind"] in ("CaseStmt", "DefaultStmt"):
                if statement["kind"] == "CaseStmt":
                    pending.append(statement["inner"][0])
                statement = statement["inner"][-1]
            found += [(label, statement) for label in pending]
        return found

    @staticmethod
    def _has_default(statement):
        while statement["kind"] == "CaseStmt":
            statement = statement["inner"][-1]
        return statement["kind"] == "DefaultStmt"
