//! The command sink: program and arguments without a shell, the notification on stdin, a time limit.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::outcome::Outcome;

/// Returns the reason why a program cannot be run, where that shows beforehand.
pub(super) fn problem(program: &str) -> Option<String> {
    let runs = |path: &Path| {
        let metadata = std::fs::metadata(path);
        metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let there = if program.contains('/') {
        runs(Path::new(program))
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| runs(&folder.join(program)))
    };
    (!there).then(|| format!("{program:?} is not a program that can be run"))
}

/// Runs a program once. It took the notification if it exits with code 0 within the limit.
pub(super) async fn run(command: &[String], input: &str, limit: Duration) -> Outcome {
    let retry = |cause: String| Outcome::Retry(cause);
    let Some((program, arguments)) = command.split_first() else {
        return retry("no command is configured".into());
    };
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return retry(format!("the command cannot be started: {error}")),
    };
    let stdin = child.stdin.take();
    let work = async {
        if let Some(mut stdin) = stdin {
            // A command need not read its input.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait().await
    };
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(status)) if status.success() => Outcome::Taken,
        Ok(Ok(status)) => retry(status.to_string()),
        Ok(Err(error)) => retry(format!("the command was lost: {error}")),
        Err(_) => {
            retry(format!("the command took longer than {} s and was killed", limit.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    async fn shell(script: &str, limit: Duration) -> Outcome {
        let command = ["sh", "-c", script].map(String::from);
        run(&command, "{\"question\":\"go on?\"}\n", limit).await
    }

    #[tokio::test]
    async fn a_command_gets_the_notification_on_stdin_and_its_exit_code_decides() {
        assert_eq!(shell("grep -q '\"question\":\"go on?\"'", MINUTE).await, Outcome::Taken);
        assert_eq!(shell("exit 3", MINUTE).await, Outcome::Retry("exit status: 3".into()));
        let missing = run(&["/nonexistent".into()], "", MINUTE).await;
        assert!(matches!(missing, Outcome::Retry(_)));
        assert_eq!(problem("sh"), None);
        for program in ["/nonexistent", "p2p-no-such-program", "/etc/passwd", "/"] {
            assert!(problem(program).is_some_and(|what| what.contains(program)), "{program}");
        }
    }

    #[tokio::test]
    async fn a_command_that_exceeds_its_time_limit_is_killed() {
        let hung = shell("exec sleep 600", Duration::from_millis(100)).await;
        let Outcome::Retry(cause) = hung else { panic!("the command was not killed") };
        assert!(cause.contains("was killed"), "{cause}");
    }
}
