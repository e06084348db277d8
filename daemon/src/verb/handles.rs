//! Handles: `c7` for a call, `m41` for a message, `f3` for a file, `q2` for a question.

use p2p_ipc::{ErrorCode, RpcError};

/// Returns a handle, like `c7`.
pub(super) fn handle(series: char, number: u32) -> String {
    format!("{series}{number}")
}

/// Splits a handle into its series and number. Accepts `M41` and ` m41 ` too.
pub(super) fn parse_handle(text: &str) -> Option<(char, u32)> {
    let text = text.trim();
    let series = text.chars().next()?.to_ascii_lowercase();
    let digits = text.get(1..).filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    "cmfq".contains(series).then_some((series, digits.parse().ok()?))
}

/// Returns the number of a handle that must be of this series. `kind` names it in the error.
pub(super) fn numbered(series: char, kind: &str, text: &str) -> Result<u32, RpcError> {
    match parse_handle(text) {
        Some((found, number)) if found == series => Ok(number),
        _ => {
            let message = format!("{text:?} is not a {kind}: a {kind} looks like {series}7");
            Err(RpcError::new(ErrorCode::NotFound, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_handle;

    #[test]
    fn handles_are_read_in_either_case_and_with_spaces_around() {
        for text in ["c11", "C11", " c11 ", "C11\n"] {
            assert_eq!(parse_handle(text), Some(('c', 11)), "{text:?}");
        }
        for text in ["", "c", "c+1", "c 1", "é7", "x7", "c1c", "-c1", "c99999999999"] {
            assert_eq!(parse_handle(text), None, "{text:?}");
        }
    }
}
