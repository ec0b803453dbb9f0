//! Pages and errors of real programs.

use std::io::Write;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::names;

/// One line of what `real.py` prints. Says what is found instead.
fn check(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, want, text] = fields[..] else { panic!("{line}") };
    let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
    let found = names(&text);
    let is_right = if want.is_empty() { found.is_empty() } else { found.contains(&want) };
    (!is_right).then(|| format!("{name}: {found:?}, wanted `{want}` in {text}"))
}

#[test]
fn what_real_programs_print_when_they_fail_is_found() {
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("real.py")]);
    let output = python.output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let wrong: Vec<String> = text.lines().filter_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(text.lines().count() >= 20, "{}", text.lines().count());
}

/// From manuals of languages and databases that are not on every machine.
#[test]
fn what_other_programs_print_is_found() {
    for (text, want) in [
        (
            "Exception in thread \"main\" java.lang.NullPointerException\n\tat \
             com.shop.Orders.find(Orders.java:42)\n\tat com.shop.Main.main(Main.java:7)",
            "stack-trace",
        ),
        ("   at Shop.Orders.Find(Int32 id) in C:\\src\\Orders.cs:line 42", "stack-trace"),
        ("   at System.Linq.Enumerable.First[TSource](IEnumerable`1 source)", "stack-trace"),
        (
            "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\n\
             main.main()\n\t/src/main.go:9 +0x1d",
            "stack-trace",
        ),
        (
            "PHP Fatal error:  Uncaught Exception: no in /srv/app/index.php:3\nStack trace:\n#0 {main}",
            "stack-trace",
        ),
        (
            "<b>Warning</b>:  Undefined variable $x in <b>/srv/app/index.php</b> on line <b>3</b><br />",
            "stack-trace",
        ),
        ("app.rb:3:in `find': undefined method (NoMethodError)", "stack-trace"),
        ("app/models/order.rb:12:in 'Order#find'", "stack-trace"),
        ("ERROR:  syntax error at or near \"FORM\"\nLINE 1: SELECT * FORM", "sql-error"),
        ("{\"error\": \"relation \\\"peeple\\\" does not exist\"}", "sql-error"),
        (
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL",
            "sql-error",
        ),
        ("Unknown column 'nme' in 'field list'", "sql-error"),
        ("Duplicate entry 'ada' for key 'people.name'", "sql-error"),
        ("SQLSTATE[42S02]: Base table or view not found", "sql-error"),
        ("Msg 102, Level 15, State 1, Server db", "sql-error"),
        ("Incorrect syntax near 'FORM'.", "sql-error"),
        ("ORA-00933: SQL command not properly ended", "sql-error"),
        ("(psycopg2.errors.UndefinedTable) relation", "sql-error"),
        ("sqlalchemy.exc.ProgrammingError: (pg8000...", "sql-error"),
        ("[SQL: SELECT people.name FROM people]", "sql-error"),
        (
            "<html><head><title>Index of /backup</title></head><body>\n<h1>Index of /backup</h1>",
            "listing",
        ),
        (
            "<html>\r\n<head><title>Index of /</title></head>\r\n<body>\r\n<h1>Index of /</h1><hr><pre>",
            "listing",
        ),
        ("<pre><A HREF=\"/\">[To Parent Directory]</A><br><br>", "listing"),
        ("<span class=\"meta-item\">\n<b>2</b> directories\n</span>", "listing"),
    ] {
        assert_eq!(names(text), [want], "{text}");
    }
}

#[test]
fn what_people_write_is_not_an_error() {
    for text in [
        "The table has no such column, at least not yet.",
        "Look at System. It is a word at the end: System",
        "We met at Microsoft. Then we went home.",
        "He panicked at the sight of the thread.",
        "See line 12 of index.php, or in the file main.js: it is there.",
        "There was a syntax error, near the end.",
        "Index of /r/programming in the title only <title>Index of economics</title>",
        "ratio 16:9, main.js:10 is no frame; orders.java: 12 beans",
        "https://example.com/a:b/c@d and mailto:ada@example.com",
        "a relation between people does not exist",
        "{\"script\":\"/static/app.js?v=1:2\",\"at \":1}",
        "import java.sql.Connection; import sqlite3; sqlite3.connect(path); psycopg2.connect()",
    ] {
        assert_eq!(names(text), <[&str; 0]>::default(), "{text}");
    }
}
