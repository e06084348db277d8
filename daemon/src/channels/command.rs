//! The command: program and arguments, no shell, the news on stdin, a time limit.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::Outcome;

/// Why a program cannot be started, where that can be told beforehand.
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
    (!there).then(|| format!("{program:?} is no program that can be run"))
}

/// Runs a program once; it took the news when it ends by itself with exit code 0.
pub(super) async fn run(command: &[String], input: &str, limit: Duration) -> Outcome {
    let later = |cause: String| Outcome::Later(cause);
    let Some((program, arguments)) = command.split_first() else {
        return later("there is no command".into());
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
        Err(error) => return later(format!("it cannot be started: {error}")),
    };
    let stdin = child.stdin.take();
    let work = async {
        if let Some(mut stdin) = stdin {
            // A command need not read what it is told.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait().await
    };
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(status)) if status.success() => Outcome::Took,
        Ok(Ok(status)) => later(status.to_string()),
        Ok(Err(error)) => later(format!("it was lost: {error}")),
        Err(_) => later(format!("it took longer than {} s and was killed", limit.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Outcome {
        let command = ["sh", "-c", script].map(String::from);
        run(&command, "{\"question\":\"go on?\"}\n", Duration::from_secs(1)).await
    }

    #[tokio::test]
    async fn success_is_the_exit_code_and_the_details_are_on_stdin() {
        assert_eq!(shell("grep -q '\"question\":\"go on?\"'").await, Outcome::Took);
        assert_eq!(shell("exit 3").await, Outcome::Later("exit status: 3".into()));
        let missing = run(&["/nonexistent".into()], "", Duration::from_secs(1)).await;
        assert!(matches!(missing, Outcome::Later(_)));
        assert_eq!(problem("sh"), None);
        for program in ["/nonexistent", "p2p-no-such-program", "/etc/passwd", "/"] {
            assert!(problem(program).is_some_and(|what| what.contains(program)), "{program}");
        }
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed() {
        let Outcome::Later(cause) = shell("exec sleep 600").await else { panic!("it hung") };
        assert!(cause.contains("was killed"), "{cause}");
    }
}
