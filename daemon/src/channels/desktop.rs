//! The desktop of who sits at this machine: a notification, where there is a desktop.

use std::time::Duration;

use super::{News, Outcome, command};
use p2p_config::HookEvent;

const PROGRAM: &str = "notify-send";
const LIMIT: Duration = Duration::from_secs(10);

/// Why nothing can be shown.
pub(super) fn problem() -> Option<String> {
    let no_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none_or(|bus| bus.is_empty());
    let told = "there is no desktop: DBUS_SESSION_BUS_ADDRESS is not set";
    command::problem(PROGRAM).or_else(|| no_bus.then(|| told.to_owned()))
}

pub(super) async fn show(news: &News) -> Outcome {
    let (title, text) = words(news);
    let shown = [PROGRAM, "--app-name=p2p", "--", &title, &text].map(String::from);
    command::run(&shown, "", LIMIT).await
}

/// The text may be marked up, which our agent does not mean.
fn words(news: &News) -> (String, String) {
    let call = news.call.as_deref().unwrap_or("a call");
    match (&news.question, news.event) {
        (Some(question), HookEvent::Escalate) => {
            let handle = news.handle.as_deref().unwrap_or_default();
            let options = news.options.join(" / ");
            let asked = if options.is_empty() { String::new() } else { format!("\n{options}") };
            let text = format!("{question}{asked}");
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            (format!("Your agent asks ({handle}, {call})"), text)
        }
        _ => (format!("p2p: {call} rings"), format!("Run: {}", news.next)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::tests::samples;

    #[test]
    fn a_ring_has_words_of_ours_and_a_question_those_of_our_agent() {
        let words_of = |news: &News| words(news);
        assert_eq!(
            words_of(&samples::ring()),
            ("p2p: c7 rings".into(), "Run: p2p answer accept --call c7".into())
        );
        assert_eq!(
            words_of(&samples::question()),
            ("Your agent asks (q2, c7)".into(), "a &lt; b?\nyes / no".into())
        );
    }
}
