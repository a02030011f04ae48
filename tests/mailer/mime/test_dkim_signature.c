/* The tags of a DKIM-Signature by RFC 6376: numbers in case names are its sections. */
#include "mailer/mime/dkim_signature.h"
#include "tests/base/expect.h"

#define NOW 1600000000
#define TAIL " d=shop.example; s=k; h=From:To; bh=AAAA; b=BBBB"
#define GOOD "v=1; a=rsa-sha256;" TAIL

static void tags_are_held_against_the_rules(void **state)
{
    static const struct {
        const char *name;
        struct str value;
        const char *result, *reason; /* "" = nothing against it */
    } cases[] = {
        {"3.5_what_must_be", STR(GOOD), "", ""},
        {"3.2_a_semicolon_may_end_it", STR(GOOD ";"), "", ""},
        {"3.2_and_a_blank", STR(GOOD "; \r\n "), "", ""},
        {"3.2_two_may_not", STR(GOOD ";;"), "neutral", "cannot be read"},
        {"3.2_nor_one_in_the_middle", STR("v=1;; a=rsa-sha256;" TAIL), "neutral", "cannot be read"},
        {"3.2_blanks_and_folds_around_all", STR(" v = 1 ;\r\n\ta\r\n =\r\n rsa-sha256 ;" TAIL), "",
            ""},
        {"3.2_any_order", STR("b=BBBB; bh=AAAA; h=From; s=k; d=shop.example; a=rsa-sha256; v=1"),
            "", ""},
        {"3.2_unknown_tags_are_ignored", STR(GOOD "; zz=1; y_9=a = b; e="), "", ""},
        {"3.2_a_tag_twice", STR(GOOD "; d=shop.example"), "neutral", "twice"},
        {"3.2_an_unknown_tag_twice", STR(GOOD "; zz=1; zz=2"), "neutral", "twice"},
        {"3.2_names_are_told_apart_by_case", STR(GOOD "; D=other.example"), "", ""},
        {"3.2_so_D_is_no_d", STR("v=1; a=rsa-sha256; D=shop.example; s=k; h=From; bh=A; b=B"),
            "permerror", "d= is missing"},
        {"3.2_a_name_begins_with_a_letter", STR(GOOD "; 9z=1"), "neutral", "cannot be read"},
        {"3.2_a_name_has_no_hyphen", STR(GOOD "; z-z=1"), "neutral", "cannot be read"},
        {"3.2_a_name_has_no_blank", STR(GOOD "; z z=1"), "neutral", "cannot be read"},
        {"3.2_a_tag_needs_an_equals_sign", STR(GOOD "; zz"), "neutral", "cannot be read"},
        {"3.2_and_a_name", STR(GOOD "; =1"), "neutral", "cannot be read"},
        {"3.2_no_byte_beyond_ascii", STR(GOOD "; zz=\xc3\xa9"), "neutral", "cannot be read"},
        {"3.2_no_delete", STR(GOOD "; zz=\x7f"), "neutral", "cannot be read"},
        {"3.2_no_control", STR(GOOD "; zz=\x01"), "neutral", "cannot be read"},
        {"3.2_no_nul", STR(GOOD "; zz=\0"), "neutral", "cannot be read"},
        {"3.2_no_tags_at_all", STR("hello"), "neutral", "cannot be read"},
        {"6.1.1_v_missing", STR("a=rsa-sha256;" TAIL), "permerror", "v= is missing"},
        {"6.1.1_a_missing", STR("v=1;" TAIL), "permerror", "a= is missing"},
        {"6.1.1_s_missing", STR("v=1; a=rsa-sha256; d=a.b; h=From; bh=A; b=B"), "permerror",
            "s= is missing"},
        {"6.1.1_h_missing", STR("v=1; a=rsa-sha256; d=a.b; s=k; bh=A; b=B"), "permerror",
            "h= is missing"},
        {"6.1.1_bh_missing", STR("v=1; a=rsa-sha256; d=a.b; s=k; h=From; b=B"), "permerror",
            "bh= is missing"},
        {"6.1.1_b_missing", STR("v=1; a=rsa-sha256; d=a.b; s=k; h=From; bh=A"), "permerror",
            "b= is missing"},
        {"6.1.1_another_version", STR("v=2; a=rsa-sha256;" TAIL), "permerror", "version"},
        {"6.1.1_the_version_is_compared_as_text", STR("v=01; a=rsa-sha256;" TAIL), "permerror",
            "version"},
        {"3.5_d_with_a_blank", STR("v=1; a=rsa-sha256; d=shop. example; s=k; h=From; bh=A; b=B"),
            "neutral", "d="},
        {"3.5_d_empty", STR("v=1; a=rsa-sha256; d=; s=k; h=From; bh=A; b=B"), "neutral", "d="},
        {"3.5_d_of_one_label", STR("v=1; a=rsa-sha256; d=example; s=k; h=From; bh=A; b=B"),
            "neutral", "d="},
        {"3.5_d_with_an_empty_label",
            STR("v=1; a=rsa-sha256; d=a..example; s=k; h=From; bh=A; b=B"), "neutral", "d="},
        {"3.5_d_with_a_final_dot", STR("v=1; a=rsa-sha256; d=a.example.; s=k; h=From; bh=A; b=B"),
            "neutral", "d="},
        {"3.1_s_of_several_labels",
            STR("v=1; a=rsa-sha256; d=a.example; s=2026.k_1; h=From; bh=A; b=B"), "", ""},
        {"3.1_s_with_a_blank", STR("v=1; a=rsa-sha256; d=a.example; s=k k; h=From; bh=A; b=B"),
            "neutral", "s="},
        {"3.1_s_empty", STR("v=1; a=rsa-sha256; d=a.example; s=; h=From; bh=A; b=B"), "neutral",
            "s="},
        {"3.5_i_in_d", STR(GOOD "; i=anna@shop.example"), "", ""},
        {"3.5_i_without_local_part", STR(GOOD "; i=@shop.example"), "", ""},
        {"3.5_i_below_d_in_any_case", STR(GOOD "; i=@mail.SHOP.example"), "", ""},
        {"3.5_i_beside_d", STR(GOOD "; i=@other.example"), "permerror", "i="},
        {"3.5_i_that_only_ends_alike", STR(GOOD "; i=@myshop.example"), "permerror", "i="},
        {"3.5_i_above_d", STR(GOOD "; i=@example"), "permerror", "i="},
        {"3.5_i_without_at_sign", STR(GOOD "; i=shop.example"), "permerror", "i="},
        {"3.5_i_empty", STR(GOOD "; i="), "permerror", "i="},
        {"3.5_c_one_word", STR(GOOD "; c=relaxed"), "", ""},
        {"3.5_c_unknown", STR(GOOD "; c=relaxed/nowsp"), "neutral", "c="},
        {"3.5_c_empty", STR(GOOD "; c="), "neutral", "c="},
        {"3.5_c_with_a_slash_too_many", STR(GOOD "; c=simple/simple/simple"), "neutral", "c="},
        {"8463_ed25519", STR("v=1; a=ed25519-sha256;" TAIL), "", ""},
        {"3.3_an_unknown_algorithm", STR("v=1; a=rsa-md5;" TAIL), "permerror", "a="},
        {"8301_rsa_sha1", STR("v=1; a=rsa-sha1;" TAIL), "policy", "rsa-sha1"},
        {"3.5_q_as_it_is_by_default", STR(GOOD "; q=dns/txt"), "", ""},
        {"3.5_unknown_q_are_passed_over", STR(GOOD "; q=http/x : dns/txt"), "", ""},
        {"3.5_and_none_is_left", STR(GOOD "; q=http/x"), "permerror", "q="},
        {"5.4_from_not_signed", STR("v=1; a=rsa-sha256; d=a.b; s=k; h=To; bh=A; b=B"), "permerror",
            "From"},
        {"5.4_nor_a_field_that_resembles_it",
            STR("v=1; a=rsa-sha256; d=a.b; s=k; h=X-From:From-X; bh=A; b=B"), "permerror", "From"},
        {"5.4_from_in_any_case_and_place",
            STR("v=1; a=rsa-sha256; d=a.b; s=k; h=to : FROM; bh=A; b=B"), "", ""},
        {"3.5_l", STR(GOOD "; l=0"), "", ""},
        {"3.5_l_of_76_digits",
            STR(GOOD
                "; l=0000000000000000000000000000000000000000000000000000000000000000000000000019"),
            "", ""},
        {"3.5_l_of_77_digits",
            STR(GOOD
                "; "
                "l=00000000000000000000000000000000000000000000000000000000000000000000000000019"),
            "neutral", "l="},
        {"3.5_l_negative", STR(GOOD "; l=-1"), "neutral", "l="},
        {"3.5_l_empty", STR(GOOD "; l="), "neutral", "l="},
        {"3.5_t_is_a_number", STR(GOOD "; t=12a"), "neutral", "t="},
        {"3.5_x_is_a_number", STR(GOOD "; x=soon"), "neutral", "x="},
        {"3.5_x_of_13_digits", STR(GOOD "; x=1000000000000"), "neutral", "x="},
        {"3.5_x_in_its_last_second", STR(GOOD "; x=1600000000"), "", ""},
        {"3.5_x_a_second_ago", STR(GOOD "; x=1599999999"), "policy", "expired"},
        {"3.5_x_after_t", STR(GOOD "; t=1599999999; x=1600000000"), "", ""},
        {"3.5_x_with_t", STR(GOOD "; t=1600000000; x=1600000000"), "permerror",
            "before it was made"},
    };

    (void)state;
    EACH(c, cases)
    {
        struct dkim_signature s;

        dkim_signature_read(c->value, NOW, &s);
        expect_text(c->name, s.result ? s.result : "", c->result);
        if (!strstr(s.reason ? s.reason : "", c->reason))
            fail_msg("%s: %s", c->name, s.reason);
    }
}

static void names_are_told_of_a_condemned_one_too(void **state)
{
    struct dkim_signature s;

    (void)state;
    dkim_signature_read(
        STR("v=1; a=rsa-sha256; d=Shop.example; s=k; c=simple/relaxed; l=7"), NOW, &s);
    expect_text("result", s.result, "permerror");
    expect("domain", str_is(s.domain, "Shop.example"), "as it stands");
    expect("selector", str_is(s.selector, "k"), "as it stands");
    expect("algorithm", str_is(s.algorithm, "rsa-sha256"), "as it stands");
}

static void bodies_are_measured_as_they_are_hashed(void **state)
{
    static const struct {
        const char *name;
        struct str body;
        uint64_t simple, relaxed;
    } cases[] = {
        {"3.4.3_an_empty_body_is_a_line_end", STR(""), 2, 0},
        {"empty_lines_only", STR("\r\n\r\n"), 2, 0},
        {"a_line", STR("hello\r\n"), 7, 7},
        {"without_line_end", STR("hello"), 7, 7},
        {"empty_lines_at_the_end", STR("hello\r\n\r\n\r\n"), 7, 7},
        {"empty_lines_within", STR("a\r\n\r\nb\r\n"), 8, 8},
        {"blanks_at_the_end_of_a_line", STR("a \t\r\n"), 5, 3},
        {"runs_of_blanks", STR("a \t b\r\n"), 7, 5},
        {"a_blank_at_the_beginning_stays", STR("  a\r\n"), 5, 4},
        {"a_line_of_blanks_is_empty", STR("a\r\n \t\r\n"), 7, 3},
        {"an_lf_alone_ends_no_line", STR("a\n\n\r\n"), 5, 5},
    };

    (void)state;
    EACH(c, cases)
    {
        expect_int(c->name, (int64_t)dkim_body_length(c->body, false), (int64_t)c->simple);
        expect_int(c->name, (int64_t)dkim_body_length(c->body, true), (int64_t)c->relaxed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_held_against_the_rules),
        cmocka_unit_test(names_are_told_of_a_condemned_one_too),
        cmocka_unit_test(bodies_are_measured_as_they_are_hashed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
