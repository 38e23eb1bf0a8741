//! The commands, in one table.

use super::answer::{Answer, Failure, Outcome, Reload, Rest};
use super::page::{Format, Page};
use super::scene::Scene;
use super::{connections, general, later, location, statistics};
use crate::script::nearest;

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    /// Its name; of `serctl` two words.
    pub(super) name: &'static str,
    /// Other names, such as that in Kamailio.
    pub(super) aliases: &'static [&'static str],
    /// The words behind it.
    pub(super) usage: &'static str,
    /// What it does, in a sentence.
    pub(super) help: &'static str,
    /// Where it belongs.
    pub(super) kind: Kind,
    /// Does it.
    pub(super) run: Run,
}

/// Where a command belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the FIFO of SER: one word, listed by `which`.
    Fifo,
    /// To `serctl`.
    Tool,
    /// It is known and cannot be done yet.
    Later,
}

/// Does a command: gets the words behind its name, writes its entries.
pub(super) type Run = fn(&Scene<'_>, &[&str], &mut Page) -> Result<Rest, Failure>;

/// Runs the command that `words` are.
#[must_use]
pub fn ask(scene: &Scene<'_>, words: &[&str], format: Format) -> Outcome {
    let mut page = Page::new(format);
    let (run, arguments) = match find(words) {
        Ok((command, arguments)) => (command.run, arguments),
        Err(failure) => return Outcome::Answer(Answer::failure(failure, page)),
    };
    match run(scene, arguments, &mut page) {
        Ok(Rest::Nothing) => Outcome::Answer(Answer::success(page, None)),
        Ok(Rest::Steps(steps)) => Outcome::Answer(Answer::success(page, Some(steps))),
        Ok(Rest::Reload(what)) => Outcome::Reload(what),
        Err(failure) => Outcome::Answer(Answer::failure(failure, page)),
    }
}

/// The command that `words` begin with, and the words behind it.
fn find<'w>(words: &'w [&'w str]) -> Result<(&'static Command, &'w [&'w str]), Failure> {
    for length in [2, 1] {
        let Some((name, arguments)) = words.split_at_checked(length) else { continue };
        if let Some(command) = command(&name.join(" ")) {
            return Ok((command, arguments));
        }
    }
    let Some(first) = words.first() else { return Err(Failure::bad("no command is given")) };
    let of_group =
        |command: &&Command| command.name.split_once(' ').is_some_and(|it| it.0 == *first);
    let group: Vec<&str> = COMMANDS.iter().filter(of_group).map(|command| command.name).collect();
    if !group.is_empty() {
        return Err(Failure::bad(format!("one of: {}", group.join(", "))));
    }
    let known = COMMANDS.iter().map(|command| command.name);
    let similar = nearest(first, known).map_or_else(
        || "; `help` lists all".to_owned(),
        |similar| format!("; did you mean `{similar}`?"),
    );
    Err(Failure::bad(format!("there is no command `{first}`{similar}")))
}

/// The command of that name.
pub(super) fn command(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name || command.aliases.contains(&name))
}

/// A command of the FIFO.
const fn fifo(
    name: &'static str,
    aliases: &'static [&'static str],
    (usage, help): (&'static str, &'static str),
    run: Run,
) -> Command {
    Command { name, aliases, usage, help, kind: Kind::Fifo, run }
}

/// A command of `serctl`.
const fn tool(
    name: &'static str,
    (usage, help): (&'static str, &'static str),
    run: Run,
) -> Command {
    Command { name, aliases: &[], usage, help, kind: Kind::Tool, run }
}

/// A command that cannot be done yet.
const fn missing(name: &'static str, help: &'static str, run: Run) -> Command {
    Command { name, aliases: &[], usage: "", help, kind: Kind::Later, run }
}

/// All commands, as `help` lists them.
pub(super) const COMMANDS: &[Command] = &[
    fifo(
        "help",
        &["system.methodHelp"],
        ("[COMMAND]", "Lists the commands, or tells what one does."),
        general::help,
    ),
    fifo(
        "which",
        &["system.listMethods"],
        ("", "Lists the names of the commands that the FIFO takes."),
        general::which,
    ),
    fifo("ps", &["core.ps"], ("", "Lists the threads: position, number, name."), general::ps),
    fifo("arg", &["core.arg"], ("", "Tells the command line."), general::arg),
    fifo("pwd", &["core.pwd"], ("", "Tells the working directory."), general::pwd),
    fifo("version", &["core.version"], ("", "Tells name and version."), general::version),
    fifo(
        "uptime",
        &["core.uptime"],
        ("", "Tells the time (UTC), when the server was started, and the seconds between."),
        general::uptime,
    ),
    fifo(
        "get_statistics",
        &["stats", "stats.get_statistics"],
        ("[all | NAME...]", "Tells all counters, or these."),
        statistics::get_statistics,
    ),
    fifo(
        "sl_stats",
        &["sl.stats"],
        ("", "Tells how many replies were made here, by their codes; 4xx are those not named."),
        statistics::sl_stats,
    ),
    fifo(
        "tcp_info",
        &["core.tcp_info"],
        ("", "Tells how many connections there are and may be, and what waits to be written."),
        connections::tcp_info,
    ),
    fifo(
        "tcp_list",
        &["core.tcp_list"],
        ("", "Lists the connections: number, transport, state, seconds left, peer, own address."),
        connections::tcp_list,
    ),
    fifo(
        "tls.info",
        &["tls_info"],
        ("", "Tells how many connections of TLS there are and may be, and when certificates end."),
        connections::tls_info,
    ),
    fifo(
        "tls.list",
        &["tls_list"],
        ("", "As `tcp_list` for connections of TLS, with version and cipher suite."),
        connections::tls_list,
    ),
    fifo(
        "ul_stats",
        &[],
        (
            "",
            "Tells for each location table how many users and contacts it has, and how many \
              contacts that have expired and are not swept yet.",
        ),
        location::ul_stats,
    ),
    fifo(
        "ul_dump",
        &["ul.dump"],
        ("[brief | TABLE]", "Lists all contacts, or those of a table; brief: only the users."),
        location::ul_dump,
    ),
    fifo(
        "ul_show_contact",
        &["ul.lookup"],
        ("TABLE USER", "Lists the contacts of a user: <URI>;q=0.50;expires=456."),
        location::ul_show_contact,
    ),
    fifo(
        "ul_add",
        &["ul.add"],
        (
            "TABLE USER URI [EXPIRES [Q]]",
            "Binds a user to a contact for so many seconds; 0 or none: until it is removed.",
        ),
        location::ul_add,
    ),
    fifo("ul_rm", &["ul.rm"], ("TABLE USER", "Removes a user with all contacts."), location::ul_rm),
    fifo(
        "ul_rm_contact",
        &["ul.rm_contact"],
        ("TABLE USER URI", "Removes a contact of a user."),
        location::ul_rm_contact,
    ),
    fifo(
        "ul_flush",
        &["ul.flush"],
        ("", "Sweeps expired contacts out of all tables; there is no database to write to."),
        location::ul_flush,
    ),
    fifo(
        "reload",
        &["cfg.reload"],
        ("", "Reads the script again, as SIGHUP does, and tells what is wrong with it."),
        |_, words, _| general::none(words).map(|()| Rest::Reload(Reload::Script)),
    ),
    fifo(
        "tls.reload",
        &["tls_reload"],
        (
            "",
            "Reads the certificates, keys and profiles of TLS again; connections that are open \
              keep theirs.",
        ),
        |_, words, _| general::none(words).map(|()| Rest::Reload(Reload::Tls)),
    ),
    tool(
        "ul show",
        ("[USER | --brief]", "Lists all contacts, those of a user, or the users."),
        location::show_users,
    ),
    tool(
        "ul add",
        ("USER URI", "Binds a user to a contact until it is removed."),
        location::add_user,
    ),
    tool("ul rm", ("USER [URI]", "Removes a user, or one contact."), location::remove_user),
    tool(
        "alias show",
        ("[ALIAS]", "Lists the aliases, or one: users of the table `aliases`."),
        location::show_aliases,
    ),
    tool("alias add", ("ALIAS URI", "Makes an alias."), location::add_alias),
    tool("alias rm", ("ALIAS", "Removes an alias."), location::remove_alias),
    missing("t_stats", "Tells about transactions.", later::transactions),
    missing("t_hash", "Lists the transactions.", later::transactions),
    missing("t_uac_dlg", "Sends a request.", later::transactions),
    missing("add", "Adds a subscriber.", later::database),
    missing("passwd", "Changes the password of a subscriber.", later::database),
    missing("rm", "Removes a subscriber.", later::database),
];
