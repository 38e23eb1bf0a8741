//! Commands about the server itself.

use std::fmt::Write as _;

use super::answer::{Failure, Rest};
use super::page::{Page, push_visible};
use super::scene::Scene;
use super::table::{COMMANDS, Command, Kind, command};
use crate::script::DateTime;

/// `help [COMMAND]`.
pub(super) fn help(_: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    if !words.is_empty() {
        let name = words.join(" ");
        let command = command(&name)
            .ok_or_else(|| Failure::missing(format!("there is no command `{name}`")))?;
        describe(command, page);
        return Ok(Rest::Nothing);
    }
    let known = COMMANDS.iter().filter(|command| command.kind != Kind::Later);
    known.for_each(|command| describe(command, page));
    Ok(Rest::Nothing)
}

/// Writes what a command does.
fn describe(command: &Command, page: &mut Page) {
    let Command { name, usage, help, aliases, .. } = command;
    page.entry(
        |text| {
            // A string takes all that is written to it.
            let _ = write!(text, "{:<44} {help}", format!("{name} {usage}").trim_end());
        },
        |fields| {
            fields.text("command", name);
            fields.text("usage", usage);
            fields.text("help", help);
            fields.text("aliases", &aliases.join(" "));
        },
    );
}

/// `which`.
pub(super) fn which(_: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    for command in COMMANDS.iter().filter(|command| command.kind == Kind::Fifo) {
        single(page, "command", command.name);
    }
    Ok(Rest::Nothing)
}

/// `ps`.
pub(super) fn ps(scene: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    for (position, thread) in (scene.threads)().iter().enumerate() {
        page.entry(
            |text| {
                let _ = write!(text, "{position}\t{}\t", thread.id);
                push_visible(text, thread.name.as_bytes());
            },
            |fields| {
                fields.number("id", u64::from(thread.id));
                fields.text("name", &thread.name);
            },
        );
    }
    Ok(Rest::Nothing)
}

/// `arg`.
pub(super) fn arg(scene: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    scene.facts.arguments.iter().for_each(|argument| single(page, "argument", argument));
    Ok(Rest::Nothing)
}

/// `pwd`.
pub(super) fn pwd(scene: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    single(page, "directory", &scene.facts.directory);
    Ok(Rest::Nothing)
}

/// `version`.
pub(super) fn version(_: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    page.entry(
        |text| text.push_str(concat!("Server: Viaduct (", env!("CARGO_PKG_VERSION"), ")")),
        |fields| {
            fields.text("server", "Viaduct");
            fields.text("version", VERSION);
        },
    );
    Ok(Rest::Nothing)
}

/// `uptime`.
pub(super) fn uptime(scene: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    let (now, started) = (scene.now, scene.facts.started);
    let seconds = now.monotonic_ms.saturating_sub(started.monotonic_ms) / 1_000;
    page.entry(
        |text| {
            let (now, since) = (date(now.wall_seconds), date(started.wall_seconds));
            let _ = write!(text, "Now: {now}\nUp Since: {since}\nUp time: {seconds} [sec]");
        },
        |fields| {
            fields.number("now", now.wall_seconds);
            fields.number("up_since", started.wall_seconds);
            fields.number("uptime", seconds);
        },
    );
    Ok(Rest::Nothing)
}

/// A moment as `ctime` writes it, in UTC: `Sat Nov 21 09:49:52 2026`.
pub(super) fn date(seconds: u64) -> String {
    let moment = DateTime::of(seconds);
    let DateTime { year, day, hour, minute, second, .. } = moment;
    let (weekday, month) = (&moment.weekday_name()[..3], &moment.month_name()[..3]);
    format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year}")
}

/// Writes an entry that is one text.
fn single(page: &mut Page, name: &str, value: &str) {
    page.entry(|text| push_visible(text, value.as_bytes()), |fields| fields.text(name, value));
}

/// Refuses words where none belong.
pub(super) fn none(words: &[&str]) -> Result<(), Failure> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(Failure::bad(format!("`{word}` is one word too many"))),
    }
}
