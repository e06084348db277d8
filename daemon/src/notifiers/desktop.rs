//! The desktop sink: a desktop notification on this machine.

use std::time::Duration;

use super::command;
use super::notification::Notification;
use super::outcome::Outcome;
use p2p_config::HookEvent;

const PROGRAM: &str = "notify-send";
const LIMIT: Duration = Duration::from_secs(10);

/// Returns the reason why nothing can be shown.
pub(super) fn problem() -> Option<String> {
    let no_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none_or(|bus| bus.is_empty());
    let missing = "there is no desktop: DBUS_SESSION_BUS_ADDRESS is not set";
    command::problem(PROGRAM).or_else(|| no_bus.then(|| missing.to_owned()))
}

/// Shows a notification once.
pub(super) async fn show(notification: &Notification) -> Outcome {
    let (title, text) = format_text(notification);
    let shown = [PROGRAM, "--app-name=p2p", "--", &title, &text].map(String::from);
    command::run(&shown, "", LIMIT).await
}

/// Returns title and text. Desktops read the text as markup, so that it is escaped.
fn format_text(notification: &Notification) -> (String, String) {
    let call = notification.call.as_deref().unwrap_or("a call");
    match (&notification.question, notification.event) {
        (Some(question), HookEvent::Escalate) => {
            let handle = notification.handle.as_deref().unwrap_or_default();
            let options = notification.options.join(" / ");
            let asked = if options.is_empty() { String::new() } else { format!("\n{options}") };
            let text = format!("{question}{asked}");
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            (format!("Your agent asks ({handle}, {call})"), text)
        }
        _ => (format!("p2p: {call} rings"), format!("Run: {}", notification.next)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifiers::tests::samples;

    #[test]
    fn a_ring_shows_our_text_and_a_question_shows_the_agents() {
        assert_eq!(
            format_text(&samples::ring()),
            ("p2p: c7 rings".into(), "Run: p2p answer accept --call c7".into())
        );
        assert_eq!(
            format_text(&samples::question()),
            ("Your agent asks (q2, c7)".into(), "a &lt; b?\nyes / no".into())
        );
    }
}
