//! What the automaton looks for, and what is asked of the text around it.

use crate::Detector::{
    self, AwsKey, ConnectionString, GithubToken, GitlabToken, GoogleKey, Jwt, Listing, NpmToken,
    PrivateKey, PypiToken, RingwallToken, SendgridKey, SlackToken, SqlError, StackTrace, StripeKey,
    TwilioKey,
};
use crate::look::Look;
use crate::{listing, password, private_key, sql, token, trace};

/// Looks behind a literal; it is told where the literal begins. Whatever it reads is bounded.
pub(crate) type Check = fn(&mut Look<'_>, usize) -> bool;

/// A literal, whose it is, whether a word has to begin with it, and what decides.
#[derive(Debug)]
pub(crate) struct Literal {
    pub(crate) text: &'static str,
    pub(crate) detector: Detector,
    pub(crate) is_prefix: bool,
    pub(crate) check: Check,
}

/// With which a token begins.
const fn prefix(text: &'static str, detector: Detector, check: Check) -> Literal {
    Literal { text, detector, is_prefix: true, check }
}

/// Which stands anywhere.
const fn part(text: &'static str, detector: Detector, check: Check) -> Literal {
    Literal { text, detector, is_prefix: false, check }
}

/// Which says enough by itself.
const fn whole(text: &'static str, detector: Detector) -> Literal {
    part(text, detector, |_look, _at| true)
}

/// Every literal.
pub(crate) const LITERALS: &[&[Literal]] = &[TOKENS, SECRETS, TRACES, SQL, LISTINGS];

const TOKENS: &[Literal] = &[
    prefix("AKIA", AwsKey, token::aws_id),
    prefix("ASIA", AwsKey, token::aws_id),
    part("aws_secret_access_key", AwsKey, |look, _at| token::aws_secret(look)),
    part("AWS_SECRET_ACCESS_KEY", AwsKey, |look, _at| token::aws_secret(look)),
    part("SecretAccessKey", AwsKey, |look, _at| token::aws_secret(look)),
    part("secretAccessKey", AwsKey, |look, _at| token::aws_secret(look)),
    prefix("ghp_", GithubToken, |look, _at| token::letters(look, 36)),
    prefix("gho_", GithubToken, |look, _at| token::letters(look, 36)),
    prefix("ghu_", GithubToken, |look, _at| token::letters(look, 36)),
    prefix("ghs_", GithubToken, |look, _at| token::letters(look, 36)),
    prefix("ghr_", GithubToken, |look, _at| token::letters(look, 36)),
    prefix("github_pat_", GithubToken, |look, _at| token::github_fine(look)),
    prefix("glpat-", GitlabToken, |look, _at| token::words(look, 20, 64)),
    prefix("gldt-", GitlabToken, |look, _at| token::words(look, 20, 64)),
    prefix("glrt-", GitlabToken, |look, _at| token::words(look, 20, 64)),
    prefix("xoxb-", SlackToken, |look, _at| token::slack(look)),
    prefix("xoxp-", SlackToken, |look, _at| token::slack(look)),
    prefix("xoxa-", SlackToken, |look, _at| token::slack(look)),
    prefix("xoxr-", SlackToken, |look, _at| token::slack(look)),
    prefix("xoxs-", SlackToken, |look, _at| token::slack(look)),
    prefix("xapp-", SlackToken, |look, _at| token::slack(look)),
    prefix("sk_live_", StripeKey, |look, _at| token::words(look, 16, 255)),
    prefix("rk_live_", StripeKey, |look, _at| token::words(look, 16, 255)),
    prefix("whsec_", StripeKey, |look, _at| token::words(look, 32, 255)),
    prefix("AIza", GoogleKey, |look, _at| token::words(look, 35, 35) && look.is_end_of_word()),
    prefix("npm_", NpmToken, |look, _at| token::letters(look, 36)),
    prefix("pypi-AgEIcHlwaS5vcmc", PypiToken, |look, _at| token::words(look, 50, 512)),
    prefix("SG.", SendgridKey, |look, _at| token::sendgrid(look)),
    prefix("SK", TwilioKey, |look, _at| token::twilio(look)),
    prefix("rws_", RingwallToken, |look, _at| token::ringwall(look)),
    prefix("rwm_", RingwallToken, |look, _at| token::ringwall(look)),
    prefix("rwi_", RingwallToken, |look, _at| token::ringwall(look)),
    prefix("rwr_", RingwallToken, |look, _at| token::ringwall_refresh(look)),
    prefix("eyJ", Jwt, |look, _at| token::jwt(look)),
];

const SECRETS: &[Literal] = &[
    part("-----BEGIN ", PrivateKey, |look, _at| private_key::pem(look)),
    part("PuTTY-User-Key-File-", PrivateKey, |look, _at| private_key::putty(look)),
    part("://", ConnectionString, password::address),
    part(":\\/\\/", ConnectionString, password::address),
    part("assword=", ConnectionString, password::keyword),
    part("ASSWORD=", ConnectionString, password::keyword),
    part("Pwd=", ConnectionString, password::keyword),
    part("PWD=", ConnectionString, password::keyword),
    part("pwd=", ConnectionString, password::keyword),
];

const TRACES: &[Literal] = &[
    part("Traceback (most recent call last)", StackTrace, |look, _at| trace::python(look)),
    whole("// Werkzeug Debugger</title>", StackTrace),
    whole("EVALEX_TRUSTED = ", StackTrace),
    whole("seeing this error because you have <code>DEBUG = True", StackTrace),
    part(".java:", StackTrace, trace::java),
    part(".kt:", StackTrace, trace::java),
    part(".scala:", StackTrace, trace::java),
    part(".groovy:", StackTrace, trace::java),
    part(".cs:line ", StackTrace, |look, _at| look.run(7, |byte| byte.is_ascii_digit()) > 0),
    part("at System.", StackTrace, |look, _at| trace::dotnet(look)),
    part("at Microsoft.", StackTrace, |look, _at| trace::dotnet(look)),
    part("<title>Server Error in ", StackTrace, |look, _at| look.finds(b"Application", 128)),
    part("Server Error in '/", StackTrace, |look, _at| look.finds(b"' Application", 128)),
    part(".js:", StackTrace, trace::node),
    part(".mjs:", StackTrace, trace::node),
    part(".cjs:", StackTrace, trace::node),
    part(".ts:", StackTrace, trace::node),
    part(".tsx:", StackTrace, trace::node),
    part("node:internal/", StackTrace, trace::node_internal),
    part("goroutine ", StackTrace, |look, _at| trace::go(look)),
    part("Stack trace:", StackTrace, |look, _at| trace::php(look)),
    part(" on line ", StackTrace, trace::php_line),
    part(".rb:", StackTrace, |look, _at| trace::ruby(look)),
    part(" panicked at ", StackTrace, trace::rust),
];

const SQL: &[Literal] = &[
    part("psycopg2.", SqlError, |look, _at| sql::driver(look)),
    part("psycopg.", SqlError, |look, _at| sql::driver(look)),
    part("asyncpg.exceptions.", SqlError, |look, _at| sql::driver(look)),
    part("sqlalchemy.exc.", SqlError, |look, _at| sql::driver(look)),
    part("sqlite3.", SqlError, |look, _at| sql::driver(look)),
    part("pymysql.err.", SqlError, |look, _at| sql::driver(look)),
    part("MySQLdb.", SqlError, |look, _at| sql::driver(look)),
    part("mysql.connector.errors.", SqlError, |look, _at| sql::driver(look)),
    part("oracledb.exceptions.", SqlError, |look, _at| sql::driver(look)),
    part("pyodbc.", SqlError, |look, _at| sql::driver(look)),
    part("org.postgresql.util.PSQL", SqlError, |look, _at| sql::driver(look)),
    part("com.mysql.", SqlError, |look, _at| sql::driver(look)),
    part("oracle.jdbc.", SqlError, |look, _at| sql::driver(look)),
    part("java.sql.", SqlError, |look, _at| sql::driver(look)),
    part("org.hibernate.", SqlError, |look, _at| sql::driver(look)),
    part("System.Data.SqlClient.", SqlError, |look, _at| sql::driver(look)),
    part("Microsoft.Data.SqlClient.", SqlError, |look, _at| sql::driver(look)),
    part("Npgsql.", SqlError, |look, _at| sql::driver(look)),
    part("SQLite3::", SqlError, |look, _at| sql::driver(look)),
    part("Mysql2::", SqlError, |look, _at| look.takes(b"Error")),
    part("PG::", SqlError, |look, _at| {
        look.run(64, |byte| byte.is_ascii_alphabetic()) > 3 && look.takes(b": ERROR")
    }),
    whole("sqlalche.me/e/", SqlError),
    part("[SQL: ", SqlError, |look, _at| sql::statement(look)),
    part("syntax error at or near ", SqlError, |look, _at| look.quote()),
    part("unterminated quoted string at or near ", SqlError, |look, _at| look.quote()),
    part("duplicate key value violates unique constraint ", SqlError, |look, _at| look.quote()),
    part("violates foreign key constraint ", SqlError, |look, _at| look.quote()),
    part("violates not-null constraint", SqlError, |_look, _at| true),
    part("invalid input syntax for type ", SqlError, |look, _at| look.finds(b":", 64)),
    part("relation ", SqlError, |look, _at| sql::missing(look)),
    part("column ", SqlError, |look, _at| sql::missing(look)),
    whole("You have an error in your SQL syntax", SqlError),
    part("Unknown column ", SqlError, |look, _at| sql::unknown_column(look)),
    part("Duplicate entry ", SqlError, |look, _at| sql::duplicate(look)),
    part("SQLSTATE[", SqlError, |look, _at| sql::state(look)),
    part("ER_", SqlError, |look, _at| {
        look.takes_one(&[b"PARSE_ERROR", b"NO_SUCH_TABLE", b"BAD_FIELD_ERROR", b"DUP_ENTRY"])
    }),
    part("SQLITE_", SqlError, |look, _at| {
        look.takes_one(&[b"ERROR", b"CONSTRAINT", b"BUSY", b"READONLY", b"CORRUPT"])
    }),
    part("no such table: ", SqlError, |look, _at| sql::no_such(look)),
    part("no such column: ", SqlError, |look, _at| sql::no_such(look)),
    part("UNIQUE constraint failed: ", SqlError, |look, _at| sql::no_such(look)),
    part("FOREIGN KEY constraint failed", SqlError, |_look, _at| true),
    part("unrecognized token: ", SqlError, |look, _at| look.quote()),
    part(": syntax error", SqlError, sql::near),
    part("Incorrect syntax near ", SqlError, |look, _at| look.quote()),
    whole("Unclosed quotation mark after the character string", SqlError),
    part("Conversion failed when converting the ", SqlError, |look, _at| {
        look.finds(b" value ", 64)
    }),
    part(", Level ", SqlError, |look, _at| sql::level(look)),
    whole("[Microsoft][ODBC ", SqlError),
    prefix("ORA-", SqlError, |look, _at| sql::oracle(look)),
    prefix("PLS-", SqlError, |look, _at| sql::oracle(look)),
    whole("quoted string not properly terminated", SqlError),
];

const LISTINGS: &[Literal] = &[
    part("<title>Index of /", Listing, |look, _at| listing::index(look)),
    whole("<h1>Directory listing for ", Listing),
    whole("[To Parent Directory]</A>", Listing),
    whole("[To Parent Directory]</a>", Listing),
    part("<title>Directory Listing For ", Listing, |look, _at| look.finds(b"</title>", 512)),
    part("<title>Directory: /", Listing, |look, _at| look.finds(b"</title>", 512)),
    part("class=\"meta-item\"", Listing, |look, _at| listing::caddy(look)),
];
