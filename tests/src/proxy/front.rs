//! The front door: HTTP for who asks about the relay (NIP-11), a WebSocket for everybody else.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{accept_hdr_async, connect_async};

use super::line;
use super::plan::Door;
use super::shared::Shared;
use crate::waiting::PATIENCE;

/// The longest head of a request.
const HEAD: usize = 8 * 1024;

/// Receives one connection.
pub(super) async fn receive(shared: Arc<Shared>, mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let door = shared.plan().door;
    match door {
        Door::Slammed => return,
        // Held until the other side gives up, or the proxy ends.
        Door::Mute => {
            let mut rest = [0; 1024];
            while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
            return;
        }
        Door::Open | Door::Status(_) => {}
    }
    let Some(head) = peek(&stream).await else { return };
    let (ahead, about) = {
        let plan = shared.plan();
        (plan.clock_ahead, plan.about.clone())
    };
    let date = http_date(ahead);
    if let Door::Status(status) = door {
        return answer(stream, status, &date, "").await;
    }
    if !head.to_ascii_lowercase().contains("upgrade: websocket") {
        return match about {
            Some(about) => answer(stream, 200, &date, &about.to_string()).await,
            None => answer(stream, 404, &date, "").await,
        };
    }
    // Where there is no relay behind it, the proxy is none either.
    let Ok((relay, _)) = connect_async(&shared.upstream).await else { return };
    #[expect(clippy::result_large_err, reason = "that is how tungstenite wants it")]
    let dated = |_: &Request, mut response: Response| {
        if let Ok(date) = HeaderValue::from_str(&date) {
            response.headers_mut().insert("date", date);
        }
        Ok(response)
    };
    let Ok(client) = accept_hdr_async(stream, dated).await else { return };
    shared.plan().tally.connections += 1;
    line::serve(shared, client, relay).await;
}

/// The head of a request, which stays to be read.
async fn peek(stream: &TcpStream) -> Option<String> {
    let mut head = vec![0; HEAD];
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        let length = stream.peek(&mut head).await.ok().filter(|length| *length > 0)?;
        let text = String::from_utf8_lossy(&head[..length]);
        if text.contains("\r\n\r\n") {
            return Some(text.into_owned());
        }
        sleep(Duration::from_millis(5)).await;
    }
    None
}

async fn answer(mut stream: TcpStream, status: u16, date: &str, body: &str) {
    let mut request = [0; HEAD];
    let _ = stream.read(&mut request).await;
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} So\r\nDate: {date}\r\nContent-Type: application/nostr+json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The time as HTTP writes it (RFC 9110), so many seconds from now.
fn http_date(ahead: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let secs = now.saturating_add_signed(ahead);
    let (days, rest) = (secs / 86_400, secs % 86_400);
    let (year, month, day) = civil(days);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let name =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month];
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{weekday}, {day:02} {name} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month from 0 and day of the month, so many days after 1970 began.
fn civil(mut days: u64) -> (u64, usize, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(civil(0), (1970, 0, 1));
        assert_eq!(civil(11_016), (2000, 1, 29));
        assert_eq!(civil(20_778), (2026, 10, 21));
    }
}
