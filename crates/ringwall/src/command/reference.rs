//! `ringwall reference`: the reference pages, printed from the code.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;
use clap::CommandFactory;
use ringwall_manifest::{codes, page};
use ringwall_net::{Curb, Settings};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::out::Out;

/// Which page.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[arg(value_enum)]
    page: Page,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Page {
    /// Commands and their options.
    Cli,
    /// Codes and what to do.
    Errors,
    /// What is written to the audit log.
    Events,
    /// Numbers that bound everything.
    Limits,
}

/// Runs the command.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit> {
    let text = match args.page {
        Page::Cli => cli()?,
        Page::Errors => errors()?,
        Page::Events => events()?,
        Page::Limits => limits()?,
    };
    out.data(text.trim_end())?;
    Ok(Exit::Ok)
}

fn cli() -> Result<String> {
    let mut text = format!("# Commands\n\n{NOTE}\n\nEvery command takes these options:\n\n");
    let mut root = Cli::command();
    root.build();
    options(&root, &mut text)?;
    writeln!(text, "\nExit codes:\n\n{EXITS}")?;
    for command in root.get_subcommands().filter(|command| is_shown(command)) {
        self::command(command, "ringwall", &mut text)?;
    }
    Ok(text)
}

fn command(command: &clap::Command, parents: &str, text: &mut String) -> Result<()> {
    let name = format!("{parents} {}", command.get_name());
    let mut subcommands = command.get_subcommands().filter(|one| is_shown(one)).peekable();
    if subcommands.peek().is_none() {
        let mut usage = name.clone();
        for argument in command.get_positionals() {
            let value = argument.get_value_names().and_then(|names| names.first());
            let value = value.map_or_else(|| argument.get_id().to_string(), ToString::to_string);
            let value = value.to_uppercase();
            let dashes = if argument.is_last_set() { "-- " } else { "" };
            if argument.is_required_set() {
                write!(usage, " {dashes}{value}")?;
            } else {
                write!(usage, " {dashes}[{value}]")?;
            }
        }
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(text, "\n## `{usage}`\n\n{about}.")?;
        let mut own = String::new();
        for argument in command.get_positionals().filter(|argument| !argument.is_hide_set()) {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let value = argument.get_value_names().and_then(|names| names.first());
            let value = value.map_or_else(|| argument.get_id().to_string(), ToString::to_string);
            writeln!(own, "- `{}`: {}", value.to_uppercase(), meaning(argument, &help))?;
        }
        options(command, &mut own)?;
        if !own.is_empty() {
            write!(text, "\n{own}")?;
        }
        if let Some(after) = command.get_after_help() {
            let after = after.to_string();
            let example = after.lines().skip(1).map(str::trim_start).collect::<Vec<_>>().join("\n");
            writeln!(text, "\n```\n{example}\n```")?;
        }
    }
    for subcommand in subcommands {
        self::command(subcommand, &name, text)?;
    }
    Ok(())
}

/// The options of one command. Global ones are listed once, at the top.
fn options(command: &clap::Command, text: &mut String) -> Result<()> {
    let is_root = command.get_name() == "ringwall";
    let wanted = |argument: &&clap::Arg| {
        let is_made_by_clap = matches!(argument.get_id().as_str(), "help" | "version");
        !argument.is_hide_set() && !is_made_by_clap && argument.is_global_set() == is_root
    };
    for argument in command.get_arguments().filter(wanted) {
        let Some(long) = argument.get_long() else { continue };
        let takes_value = argument.get_action().takes_values();
        let names = argument.get_value_names().filter(|_| takes_value).unwrap_or_default();
        let value = names.first().map(|name| format!(" {}", name.to_uppercase()));
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let value = value.unwrap_or_default();
        writeln!(text, "- `--{long}{value}`: {}", meaning(argument, &help))?;
    }
    Ok(())
}

fn meaning(argument: &clap::Arg, help: &str) -> String {
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|choice| !choice.is_hide_set())
        .map(|choice| format!("`{}`", choice.get_name()))
        .collect();
    let takes_value = argument.get_action().takes_values();
    match choices.as_slice() {
        [_, ..] if takes_value => format!("{help} ({})", choices.join(", ")),
        _ => help.to_owned(),
    }
}

fn is_shown(command: &clap::Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn errors() -> Result<String> {
    let mut text = format!("# Codes\n\n{NOTE} `ringwall explain CODE` prints one of them.\n");
    for code in codes() {
        // The pages are documents of their own, each with one title; here they are chapters.
        let mut is_code = false;
        writeln!(text)?;
        for line in page(code.code).unwrap_or_default().trim_end().lines() {
            is_code ^= line.starts_with("```");
            let deeper = if line.starts_with('#') && !is_code { "#" } else { "" };
            writeln!(text, "{deeper}{line}")?;
        }
    }
    Ok(text)
}

fn events() -> Result<String> {
    let mut text = format!("# Audit events\n\n{NOTE} The first column is `event.action`.\n\n");
    writeln!(text, "| action | category | type | meaning |\n|---|---|---|---|")?;
    for action in ringwall_audit::ACTIONS {
        let ringwall_audit::Action { name, category, kind, meaning } = action;
        writeln!(text, "| `{name}` | {category} | {kind} | {meaning} |")?;
    }
    Ok(text)
}

fn limits() -> Result<String> {
    let mut text =
        format!("# Limits\n\n{NOTE} What is over a limit is refused, never cut short.\n");
    let net = Settings::default();
    let connections = [
        ("open connections in all", net.connections_max.to_string()),
        (
            "open connections of one address (IPv6: /64)",
            net.connections_per_address_max.to_string(),
        ),
        ("requests on one connection", net.requests_per_connection_max.to_string()),
        ("age of a connection", time(net.connection_age)),
        ("TLS handshake", time(net.handshake_time)),
        ("head, from its first byte to its last", time(net.head_time)),
        ("connection without a request", time(net.idle_time)),
        ("request body that stands still", time(net.body_idle_time)),
        ("peer that takes nothing of an answer", time(net.write_idle_time)),
        ("HTTP/1 head", bytes(net.head.head_bytes_max)),
        ("HTTP/1 header fields", net.head.fields_max.to_string()),
        ("request target", bytes(net.head.uri_bytes_max)),
        ("trailers", bytes(net.head.trailer_bytes_max)),
        ("HTTP/2 streams at once", net.streams_max.to_string()),
        ("HTTP/2 streams reset before they were accepted", net.pending_resets_max.to_string()),
        ("HTTP/2 streams that the peer made us reset", net.local_resets_max.to_string()),
        (
            "HTTP/2 header list, decoded",
            bytes(usize::try_from(net.header_list_bytes_max).unwrap_or(usize::MAX)),
        ),
    ];
    chapter(&mut text, "Connections", &connections)?;
    writeln!(text, "\n{COUNTED}\n\n| `limit` | what |\n|---|---|")?;
    for curb in Curb::ALL {
        writeln!(text, "| `{}` | {} |", curb.label(), curb.meaning())?;
    }
    for (title, limits) in [
        ("JSON of requests", ringwall_openapi::Limits::default()),
        ("JSON of answers", ringwall_openapi::Limits::response()),
    ] {
        let rows = [
            ("arrays and objects inside one another", limits.depth_max.to_string()),
            ("members of all objects together", limits.members_max.to_string()),
            ("elements of all arrays together", limits.items_max.to_string()),
            ("one string", bytes(limits.string_bytes_max)),
            ("the whole text", bytes(limits.bytes_max)),
        ];
        chapter(&mut text, title, &rows)?;
    }
    let rest = [
        ("one secret", bytes(ringwall_vault::VALUE_BYTES_MAX)),
        ("one token", bytes(ringwall_jose::TOKEN_BYTES_MAX)),
    ];
    chapter(&mut text, "Secrets and tokens", &rest)?;
    Ok(text)
}

fn chapter(text: &mut String, title: &str, rows: &[(&str, String)]) -> Result<()> {
    writeln!(text, "\n## {title}\n\n| what | at most |\n|---|---|")?;
    for (what, most) in rows {
        writeln!(text, "| {what} | {most} |")?;
    }
    Ok(())
}

fn bytes(count: usize) -> String {
    let units = [(1024 * 1024, "MiB"), (1024, "KiB")];
    let whole = units.into_iter().find(|(size, _)| count >= *size && count.is_multiple_of(*size));
    match whole {
        Some((size, unit)) => format!("{} {unit}", count.checked_div(size).unwrap_or_default()),
        None => format!("{count} bytes"),
    }
}

fn time(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

const NOTE: &str = "Printed from the code by `ringwall reference`: not edited by hand.";

const COUNTED: &str = "\
`ringwall_limits_reached_total` on `/metrics` counts what passed a limit, for each thread (`worker`):";

const EXITS: &str = "\
- 0: everything was done
- 1: it failed (I/O, internal)
- 2: wrong usage
- 3: the manifest is invalid
- 4: findings or changes are pending, or a promise is broken
- 5: the server is unreachable, or it did not permit it";
