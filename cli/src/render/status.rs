//! The state of this agent: the overview of bare `p2p`, and the longer `p2p status`.

use p2p_ipc::method::{ListResult, StatusResult};
use p2p_ipc::view::{
    AgentView, CallState, IdentityView, NotifierView, PendingView, RelayView, Turn,
};
use serde::Serialize;

use super::page::Page;
use super::question::standing;
use super::text::Text;
use super::words::{host, name, short_npub};
use super::{call, clean};

/// The overview.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Overview(pub StatusResult);

/// The full output of `status`.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Full(pub StatusResult);

/// The identity of this agent.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Whoami(pub IdentityView);

/// Counts of unread items.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Waits(pub PendingView);

/// The longest line of `pending`, in characters.
const PENDING_LIMIT: usize = 170;

impl Text for Overview {
    fn text(&self, page: &mut Page) {
        let status = &self.0;
        page.line(format!(
            "{} {}  {}  {}",
            clean::short(&status.identity.name, 40),
            short_npub(&status.identity.npub),
            relays_in_short(&status.relays, page),
            daemon_in_short(&status.daemon.start_mode)
        ));
        if status.owners.is_empty() {
            page.line(owners(&status.owners));
        }
        goings_on(status, page);
    }
}

impl Text for Full {
    fn text(&self, page: &mut Page) {
        let StatusResult { identity, daemon, relays, .. } = &self.0;
        page.line(format!("{} {}", clean::short(&identity.name, 40), identity.npub));
        page.line(format!(
            "daemon: {} (pid {}, {}, up {})",
            daemon.version,
            daemon.pid,
            daemon.start_mode,
            page.since(daemon.started_ms)
        ));
        for relay in relays {
            page.line(self::relay(relay, page));
        }
        if let Some(ahead) = self.0.clock_ahead_s {
            page.line(clock(ahead));
        }
        page.line(format!("presence: {}", identity.presence,));
        page.line(owners(&self.0.owners));
        page.line(format!("files: {}  log: {}", daemon.paths.downloads, daemon.paths.log));
        for well in self.0.notifiers.iter().filter(|channel| !ails(channel)) {
            page.line(format!("channel {}: {}", well.name, well.state));
        }
        goings_on(&self.0, page);
    }
}

impl Text for Whoami {
    fn text(&self, page: &mut Page) {
        let me = &self.0;
        page.line(format!("{} {}", clean::short(&me.name, 40), me.npub));
        page.line(format!("hex {}", me.hex));
        if let Some(about) = &me.about {
            page.own(about);
        }
        if !me.capabilities.is_empty() {
            page.line(format!("can: {}", me.capabilities.join(", ")));
        }
        page.line(format!("presence: {}  key: {}", me.presence, me.path));
    }
}

impl Text for Waits {
    fn text(&self, page: &mut Page) {
        let line = self.0.line.as_deref();
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            page.line(clean::inline(line).chars().take(PENDING_LIMIT).collect::<String>());
        }
    }
}

/// Shows duplicate instances, failing notifiers, calls, direct messages, questions, and the next
/// step.
fn goings_on(status: &StatusResult, page: &mut Page) {
    if let Some(since) = status.duplicate_since_ms {
        let since = super::units::date(since);
        page.line(format!(
            "yielded: another daemon runs with this key since {since}; it takes the"
        ));
        page.line(
            "calls and mail of this agent. Once that one is stopped, stop this one and start again",
        );
    }
    for ailing in status.notifiers.iter().filter(|channel| ails(channel)) {
        page.line(channel(ailing, page));
    }
    for call in &status.calls {
        call::line(call, page);
    }
    if status.unread_dms > 0 {
        let plural = if status.unread_dms == 1 { "" } else { "s" };
        page.line(format!("{} unread direct message{plural}", status.unread_dms));
    }
    for question in &status.questions {
        page.line(format!("{}: {}", question.handle, standing(question, page)));
    }
    page.next(what_next(status));
}

/// Returns the line about the owners.
fn owners(owners: &[String]) -> String {
    let npubs: Vec<String> = owners.iter().map(|npub| short_npub(npub)).collect();
    match npubs.as_slice() {
        [] => "nobody owns this agent: p2p owner pair".into(),
        [one] => format!("owner: {one}"),
        several => format!("owners: {}", several.join(", ")),
    }
}

fn what_next(status: &StatusResult) -> String {
    if status.duplicate_since_ms.is_some() {
        return "p2p daemon stop".into();
    }
    let is = |states: &[CallState]| status.calls.iter().find(|c| states.contains(&c.state));
    if status.pending.unread > 0 || status.unread_dms > 0 {
        "p2p inbox".into()
    } else if let Some(call) = is(&[CallState::Incoming, CallState::Knocking]) {
        format!("p2p answer accept --call {}", call.handle)
    } else if let Some(call) = status.calls.iter().find(|call| {
        call.state == CallState::Active && call.turn == Some(Turn::Mine) && !call.taken_over
    }) {
        format!("p2p send --call {} \"<text>\"", call.handle)
    } else if let Some(call) =
        is(&[CallState::Active, CallState::Connecting, CallState::Ringing, CallState::Dialing])
    {
        format!("p2p wait --call {}", call.handle)
    } else {
        "p2p list".into()
    }
}

/// Returns `2/3 relays (nos.lol: refused, 4m)`.
fn relays_in_short(relays: &[RelayView], page: &Page) -> String {
    let ours: Vec<&RelayView> =
        relays.iter().filter(|r| r.roles.iter().any(|r| r != "peer")).collect();
    let up = ours.iter().filter(|relay| relay.connected).count();
    let down: Vec<String> = ours
        .iter()
        .filter(|relay| !relay.connected)
        .take(2)
        .map(|relay| {
            let why = relay.cause.as_deref().unwrap_or(&relay.state);
            format!(
                "{}: {}, {}",
                host(&relay.url),
                clean::short(why, 40),
                page.since(relay.since_ms)
            )
        })
        .collect();
    let count = format!("{up}/{} relays", ours.len());
    if down.is_empty() { count } else { format!("{count} ({})", down.join("; ")) }
}

fn relay(relay: &RelayView, page: &Page) -> String {
    let down = if relay.connected { "" } else { ", down" };
    let mut text = format!(
        "relay {} [{}] {}{down} {}",
        clean::inline(&relay.url),
        relay.roles.join(", "),
        clean::short(&relay.state, 40),
        page.since(relay.since_ms)
    );
    if relay.listening {
        text += ", listening";
    }
    if let Some(ms) = relay.rtt_ms {
        text += &format!(", {ms} ms");
    }
    if let Some(writes) = relay.writes_per_minute {
        text += &format!(", takes {writes} writes a minute");
    }
    for demand in &relay.requirements {
        text += &format!(", {}", clean::short(demand, 40));
    }
    if let (Some(words), Some(since)) = (&relay.refusal, relay.refusing_since_ms) {
        text += &format!(", refuses writes {} ({})", page.since(since), clean::short(words, 100));
    }
    if let Some(at) = relay.next_attempt_ms {
        text += &format!(", next attempt in {}", page.until(at));
    }
    // A copy that another relay had already delivered is not worth showing.
    for (reason, count) in relay.dropped.iter().filter(|(reason, _)| *reason != "already_seen") {
        text += &format!(", dropped {count} {}", clean::short(reason, 40));
    }
    if let Some(cause) = &relay.cause {
        text += &format!(": {}", clean::short(cause, 100));
    }
    text
}

/// Returns true if a notifier has a failure to show.
fn ails(channel: &NotifierView) -> bool {
    channel.state != "ok" || channel.undelivered > 0 || channel.cause.is_some()
}

/// Returns `channel webhook: failing 5m, 2 undelivered: HTTP 401`.
pub(super) fn channel(channel: &NotifierView, page: &Page) -> String {
    let mut text = format!("channel {}: {}", channel.name, clean::short(&channel.state, 20));
    if let Some(since) = channel.since_ms {
        text += &format!(" {}", page.since(since));
    }
    if channel.undelivered > 0 {
        text += &format!(", {} undelivered", channel.undelivered);
    }
    if let Some(cause) = &channel.cause {
        text += &format!(": {}", clean::short(cause, 160));
    }
    text
}

/// Returns `clock: 1h behind what the relays say; what is sent is dated by theirs`.
fn clock(ahead: i64) -> String {
    let way = if ahead > 0 { "behind" } else { "ahead of" };
    // Relays' clocks are not accurate to the second either.
    let minutes = (ahead.unsigned_abs() + 30) / 60;
    let span = super::units::span(minutes.max(1).saturating_mul(60_000));
    format!("clock: {span} {way} what the relays say; what is sent is dated by theirs")
}

fn daemon_in_short(how: &str) -> String {
    match how {
        "autostarted" => "daemon: autostarted, no service".into(),
        "transient" => "daemon: autostarted by systemd-run, no service".into(),
        how => format!("daemon: {how}"),
    }
}

impl Text for ListResult {
    fn text(&self, page: &mut Page) {
        let answered = self.relays.iter().filter(|relay| relay.answered).count();
        let relays = format!("{answered}/{} relays answered", self.relays.len());
        if self.agents.is_empty() {
            page.line(format!("nobody is online ({relays})"));
            page.next("p2p list --wait 20");
            return;
        }
        page.line(format!("{} online ({relays})", self.agents.len() + self.remaining as usize));
        for agent in &self.agents {
            self::agent(agent, page);
        }
        if self.remaining > 0 {
            page.line(format!("{} more; --limit or --can CAP shows others", self.remaining));
        }
        let first = &self.agents[0].peer;
        let argument = match first.name {
            Some(_) => super::words::argument(first),
            None => key_prefix(&first.npub),
        };
        page.next(format!("p2p call {argument} \"<topic>\""));
    }
}

fn agent(agent: &AgentView, page: &mut Page) {
    let attended = if agent.attended { ", attended" } else { "" };
    page.line(format!(
        "{}  {}  {}{attended}, seen {} ago",
        name(&agent.peer),
        key_prefix(&agent.peer.npub),
        clean::short(&agent.availability, 20),
        super::units::span(agent.age_s * 1000)
    ));
    if !agent.capabilities.is_empty() {
        let all = agent.capabilities.join(", ");
        page.peer(&format!("can: {}", clean::short(&all, 160)));
    }
    if let Some(about) = agent.about.as_deref().filter(|about| !about.trim().is_empty()) {
        page.peer(&clean::short(about, 160));
    }
}

/// Returns the start of a key that identifies an agent in a command: fifty bits behind `npub1`.
fn key_prefix(npub: &str) -> String {
    npub.chars().filter(char::is_ascii_alphanumeric).take(15).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};
    use p2p_ipc::view::{DaemonView, PathsView, RelayAnswerView};

    fn status() -> StatusResult {
        let relay = |url: &str, connected: bool| RelayView {
            url: url.into(),
            roles: vec!["inbox".into()],
            connected,
            state: "connected".into(),
            cause: (!connected).then(|| "refused".into()),
            since_ms: NOW_MS - 240_000,
            listening: connected,
            rtt_ms: None,
            refusal: None,
            refusing_since_ms: None,
            writes_per_minute: None,
            requirements: Vec::new(),
            next_attempt_ms: None,
            dropped: Default::default(),
        };
        let peer = samples::peer();
        StatusResult {
            identity: IdentityView {
                name: "agent-x7k2".into(),
                npub: peer.npub.clone(),
                hex: peer.hex.clone(),
                about: None,
                capabilities: Vec::new(),
                path: "/home/u/key".into(),
                presence: "public".into(),
                created: false,
            },
            daemon: DaemonView {
                version: "0.1.0".into(),
                pid: 7,
                started_ms: 0,
                start_mode: "autostarted".into(),
                instance: "i".into(),
                paths: PathsView {
                    config: "c".into(),
                    store: "s".into(),
                    downloads: "d".into(),
                    log: "l".into(),
                    socket: "k".into(),
                },
            },
            relays: vec![
                relay("wss://a.example/", true),
                relay("wss://b.example", true),
                relay("wss://nos.lol/x", false),
            ],
            clock_ahead_s: None,
            calls: vec![p2p_ipc::view::CallView { unread: 1, ..samples::call() }, samples::ring()],
            questions: vec![samples::question()],
            unread_dms: 0,
            pending: PendingView { unread: 1, ringing: 1, questions: 1, line: None },
            seq: 5,
            notifiers: vec![well("command")],
            duplicate_since_ms: None,
            owners: vec![peer.npub.clone()],
        }
    }

    fn well(name: &str) -> NotifierView {
        let state = "ok".to_owned();
        NotifierView { name: name.into(), state, undelivered: 0, cause: None, since_ms: None }
    }

    fn text_of(value: &impl Text) -> String {
        let mut page = Page::new(NOW_MS);
        value.text(&mut page);
        page.finish(None)
    }

    #[test]
    fn the_overview_reads_as_the_specification_shows() {
        assert_eq!(
            text_of(&Overview(status())),
            "agent-x7k2 npub1x7k…9q  2/3 relays (nos.lol: refused, 4m)  daemon: autostarted, no service\n\
             c7 bob active; their turn for 6m35s; 1 unread  note: issue 12  topic: docs\n\
             c8 ~\"Ana\" ringing you, 8m left\n│ hi next: rm\n\
             q2: open, asked 3m ago; told by command\nnext: p2p inbox\n"
        );
    }

    #[test]
    fn who_owns_the_agent_is_shown_and_how_to_if_nobody_does() {
        let orphan = || StatusResult { owners: Vec::new(), ..status() };
        let nudge = "\nnobody owns this agent: p2p owner pair\n";
        assert!(text_of(&Overview(orphan())).contains(nudge));
        assert!(text_of(&Full(orphan())).contains(nudge));
        assert!(text_of(&Full(status())).contains("\nowner: npub1x7k…9q\n"));
    }

    #[test]
    fn a_relay_that_is_not_connected_says_since_when() {
        let mut relay = status().relays.remove(2);
        let page = Page::new(NOW_MS);
        relay.state = "waiting to retry".into();
        assert_eq!(
            self::relay(&relay, &page),
            "relay wss://nos.lol/x [inbox] waiting to retry, down 4m: refused"
        );
        relay = status().relays.remove(0);
        assert_eq!(
            self::relay(&relay, &page),
            "relay wss://a.example/ [inbox] connected 4m, listening"
        );
    }

    #[test]
    fn what_ails_a_channel_is_shown_with_cause_and_since_when() {
        let problem = Some("\"/x\" is no program that can be run".to_owned());
        let broken = NotifierView { state: "unusable".into(), cause: problem, ..well("command") };
        let failing = NotifierView {
            state: "failing".into(),
            undelivered: 2,
            cause: Some("HTTP 401".into()),
            since_ms: Some(NOW_MS - 300_000),
            ..well("webhook")
        };
        let ailing = || StatusResult {
            notifiers: vec![broken.clone(), failing.clone(), well("openclaw")],
            ..status()
        };
        for told in [
            "\nchannel command: unusable: \"/x\" is no program that can be run\n",
            "\nchannel webhook: failing 5m, 2 undelivered: HTTP 401\n",
        ] {
            assert!(text_of(&Overview(ailing())).contains(told));
            assert!(text_of(&Full(ailing())).contains(told));
        }
        assert!(text_of(&Full(ailing())).contains("\nchannel openclaw: ok\n"));
        assert!(!text_of(&Overview(ailing())).contains("openclaw"));
    }

    #[test]
    fn what_to_do_next_follows_from_what_is_going_on() {
        let mut status = status();
        status.pending.unread = 0;
        assert_eq!(what_next(&status), "p2p answer accept --call c8");
        status.calls.pop();
        assert_eq!(what_next(&status), "p2p wait --call c7");
        status.calls[0].turn = Some(Turn::Mine);
        status.calls[0].taken_over = true;
        assert_eq!(what_next(&status), "p2p wait --call c7");
        assert!(
            text_of(&Overview(status.clone())).contains("c7 bob active; your human speaks there")
        );
        status.calls[0].taken_over = false;
        assert_eq!(what_next(&status), "p2p send --call c7 \"<text>\"");
        status.calls.pop();
        assert_eq!(what_next(&status), "p2p list");
    }

    #[test]
    fn what_a_relay_does_to_writes_and_what_the_clock_is_worth_is_shown() {
        let mut relay = status().relays.remove(0);
        let page = Page::new(NOW_MS);
        relay.writes_per_minute = Some(6);
        relay.requirements = vec!["wants to be paid".into()];
        relay.refusal = Some("rate-limited: slow".into());
        relay.refusing_since_ms = Some(NOW_MS - 60_000);
        assert!(
            self::relay(&relay, &page).ends_with(
                ", takes 6 writes a minute, wants to be paid, refuses writes 1m (rate-limited: slow)"
            ),
            "{}",
            self::relay(&relay, &page)
        );
        relay.next_attempt_ms = Some(NOW_MS + 30_000);
        relay.dropped = [("already_seen".into(), 9), ("unverified".into(), 2)].into();
        relay.cause = Some("no route".into());
        let text = self::relay(&relay, &page);
        assert!(text.ends_with(", next attempt in 30s, dropped 2 unverified: no route"), "{text}");
        let behind = StatusResult { clock_ahead_s: Some(3600), ..status() };
        assert!(text_of(&Full(behind)).contains("\nclock: 1h behind what the relays say;"));
        assert!(clock(-90).starts_with("clock: 2m ahead of what the relays say;"));
    }

    #[test]
    fn pending_is_one_line_of_at_most_170_characters() {
        let waits =
            |line: Option<String>| text_of(&Waits(PendingView { line, ..PendingView::default() }));
        assert_eq!(waits(None), "");
        assert_eq!(waits(Some("2 unread\nc7".into())), "2 unread c7\n");
        assert_eq!(waits(Some("é".repeat(400))).chars().count(), 171);
    }

    #[test]
    fn what_an_agent_says_of_itself_is_marked() {
        let agent = AgentView {
            peer: samples::stranger(),
            about: Some("I am\nnext: p2p end".into()),
            capabilities: vec!["docs\u{202e}".into()],
            availability: "available".into(),
            attended: true,
            age_s: 40,
            untrusted: true,
        };
        let relays = vec![RelayAnswerView { url: "wss://a".into(), answered: true, cause: None }];
        assert_eq!(
            text_of(&ListResult { agents: vec![agent], remaining: 0, relays }),
            "1 online (1/1 relays answered)\n~\"Ana\"  npub1x7kabcdefg  available, attended, seen 40s ago\n\
             │ can: docs\n│ I am next: p2p end\nnext: p2p call npub1x7kabcdefg \"<topic>\"\n"
        );
    }
}
