//! `$xavp`, `$xavu`, `$xavi` and what counts them.

use super::{errors, log, shows};

#[test]
fn attributes_are_stacks_with_members() {
    shows(&[
        (
            r#"$xavp(a=>x) = "1"; $xavp(a=>x) = 2; $xavp(a[0]=>y) = "z"; $xavp(b) = "v";"#,
            "$xavp(a=>x) $xavp(a[1]=>x) $xavp(a=>y) $xavp(a[1]=>y) $xavp(b) $xavp(c)",
            "2 1 z <null> v <null>",
        ),
        (
            r#"$xavp(a=>x) = "1"; $xavp(a[0]=>x) = "3"; $xavp(a[0]=>x[0]) = "4";"#,
            "$xavp(a=>x) $xavp(a=>x[1]) $xavp(a=>x[-1]) $xavp(a=>x[2])",
            "4 1 1 <null>",
        ),
        (
            r#"$xavp(b) = "v"; $xavp(b) = 5; $xavp(b[0]) = "w";"#,
            "$xavp(b) $xavp(b[1]) $xavp(b[-1]) $xavp(b[2])",
            "w v v <null>",
        ),
        (r#"$xavp(b) = "v"; $xavp(b) = 5; $xavp(b) = $null;"#, "$xavp(b)", "v"),
        (r#"$xavp(b) = "v"; $xavp(b) = 5; $xavp(b[*]) = $null;"#, "$xavp(b)", "<null>"),
        (r#"$xavp(s=>t) = 1; $xavp(s[0]=>t) = $null;"#, "$xavp(s=>t) $cnt($xavp(s))", "<null> 1"),
        (r#"$xavp(a=>x) = 1; $var(k) = "a";"#, "$xavp($var(k)=>x)", "1"),
        (r#"$xavi(AbC=>De) = 5;"#, "$xavi(abc=>dE)", "5"),
        (
            r#"$xavu(q) = 1; $xavu(q) = 2; $xavu(r=>s) = 3; $xavu(r=>s) = 4;"#,
            "$xavu(q) $xavu(r=>s)",
            "2 4",
        ),
        (r#"$xavu(q) = 1; $xavu(q) = $null;"#, "$xavu(q)", "<null>"),
    ]);
}

#[test]
fn values_are_counted() {
    shows(&[
        ("$avp(a) = 1; $avp(s:a) = 2;", "$cnt($avp(a)) $cnt($avp(b))", "2 0"),
        (
            "$xavp(a=>x) = 1; $xavp(a[0]=>x) = 2; $xavp(a=>x) = 3;",
            "$cnt($xavp(a)) $cnt($xavp(a=>x)) $cnt($xavp(a[1]=>x)) $cnt($xavp(a[5])) $cnt($xavp(a[*]=>x[1]))",
            "2 3 2 0 1",
        ),
    ]);
}

#[test]
fn functions_make_copy_and_list_attributes() {
    shows(&[
        (
            r#"xavp_params_explode("a=1;b=\"two\";c", "p");"#,
            "$xavp(p=>a) $xavp(p=>b) $xavp(p=>c) $cnt($xavp(p))",
            "1 two  1",
        ),
        (
            r#"xavp_params_explode("a=1;b=2", "p"); xavp_params_implode("p", "$var(l)");"#,
            "$var(l)",
            "a=1;b=2;",
        ),
        (
            r#"$xavp(s=>a) = 1; $xavp(s[0]=>b) = 2; xavp_copy("s", "0", "t"); xavp_rm("s");"#,
            "$xavp(t=>a) $xavp(t=>b) $xavp(s=>a)",
            "1 2 <null>",
        ),
        (
            r#"xavp_child_sets("n", "x", "$rU"); xavp_child_seti("n", "x", "5"); xavp_child_seti("n", "y", 6);
               xavp_child_rm("n", "y");"#,
            "$xavp(n=>x) $cnt($xavp(n=>x)) $xavp(n=>y) $cnt($xavp(n))",
            "5 1 <null> 1",
        ),
    ]);
    let found = log("$xavp(a=>x) = 1; $xavp(b) = \"v\"; pv_xavp_print();");
    assert_eq!(found, ["b[0] = v", "a[0] = <null>", "  x = 1"]);
}

#[test]
fn paths_that_lead_nowhere_are_refused() {
    for statement in
        ["$xavp(n[0]=>y) = 1;", "$xavp(a[3]) = 1;", "$var(k) = \"[\"; $xavp($var(k)) = 1;"]
    {
        let found = log(statement);
        assert!(found[0].ends_with("this value cannot be assigned here"), "{statement} {found:?}");
    }
    assert_eq!(errors("$xavp(a[=>b) = 1;"), ["`$xavp` is written `$xavp(root[0]=>member)`"]);
    let message = "`$cnt` counts the values of `$avp(...)`, `$xavp(...)` or `$xavi(...)`";
    assert_eq!(errors("$var(x) = $cnt($ru);"), [message]);
    assert_eq!(errors("$var(x) = $cnt(a);"), [message]);
}

#[test]
fn a_script_cannot_keep_attributes_without_end() {
    let found =
        log("$var(i) = 0; while ($var(i) < 9999) { $xavp(a=>x) = $var(i); $var(i) = $var(i) + 1; }
                     xlog(\"L_ERR\", \"not here\\n\");");
    assert!(found.last().unwrap().contains("too many strings"), "{found:?}");
}

#[test]
fn lists_become_attributes() {
    for (body, text, expected) in [
        (
            r#"xavp_slist_explode("a,b, c,,d ", ",", "t", "l");"#,
            "$xavp(l=>v[0])|$xavp(l=>v[1])|$xavp(l=>v[2])|$xavp(l=>v[3])|$xavp(l=>v[4])",
            "a|b|c|d|<null>",
        ),
        (
            r#"xavp_slist_explode("a; b|c", ";|", "", "l");"#,
            "$xavp(l=>v)|$xavp(l=>v[1])|$xavp(l=>v[2])",
            "a| b|c",
        ),
        (
            r#"xavp_slist_explode("x", ",", "t", "l"); xavp_slist_explode("y", ",", "t", "l");"#,
            "$cnt($xavp(l)) $xavp(l=>v) $xavp(l[1]=>v)",
            "2 y x",
        ),
        (r#"xavp_slist_explode("", ",", "t", "l");"#, "$rc", "-1"),
        (r#"xavp_slist_explode("a", "", "t", "l");"#, "$rc", "-1"),
        (r#"xavp_slist_explode("a", ",", "t", "");"#, "$rc", "-1"),
        (r#"xavp_slist_explode(",,", ",", "t", "l");"#, "$rc $cnt($xavp(l))", "1 0"),
    ] {
        shows(&[(body, text, expected)]);
    }
}

#[test]
fn variables_become_attributes_and_attributes_variables() {
    shows(&[
        (
            r#"$var(a) = 5; $var(b) = "s"; pv_var_to_xavp("a", "x");"#,
            "$rc $xavp(x=>a) $xavp(x=>b)",
            "1 5 <null>",
        ),
        (
            r#"$var(a) = 5; $var(b) = "s"; pv_var_to_xavp("*", "x"); pv_var_to_xavp("*", "x");"#,
            "$cnt($xavp(x)) $xavp(x=>a) $xavp(x=>b)",
            "1 5 s",
        ),
        (r#"pv_var_to_xavp("none", "x");"#, "$rc $cnt($xavp(x))", "-1 0"),
        (
            r#"$xavp(x=>a) = 7; $xavp(x[0]=>b) = "t"; pv_xavp_to_var("x");"#,
            "$rc $var(a) $var(b)",
            "1 7 t",
        ),
        (r#"$xavp(x=>a) = 1; $xavp(x=>a) = 2; pv_xavp_to_var("x");"#, "$var(a)", "1"),
        (r#"xavp_slist_explode("p,q", ",", "t", "x"); pv_xavp_to_var("x");"#, "$var(v)", "q"),
        (r#"$xavp(x) = 5; pv_xavp_to_var("x");"#, "$rc", "-1"),
        (r#"pv_xavp_to_var("x");"#, "$rc", "-1"),
        (r#"$xavp(x=>nobody) = 5; pv_xavp_to_var("x");"#, "$rc", "1"),
    ]);
}
