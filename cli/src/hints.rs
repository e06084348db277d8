//! A hint is one command that can be pasted, or several commands, one per line. These tests search
//! all sources for hints that break this rule.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::args::{self, Unparsed};

/// Commands that a hint may begin with.
const COMMANDS: [&str; 11] =
    ["p2p", "cp", "mv", "mkdir", "ls", "cat", "tar", "gzip", "split", "export", "unset"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let tests = path.file_stem().is_some_and(|name| name == "tests" || name == "hints");
        if path.is_dir() && !tests {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") && !tests {
            found.push(path);
        }
    }
}

/// Returns the code of each file that can print a hint, without comments and tests.
fn code() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for krate in ["cli", "client", "daemon", "ipc"] {
        sources(&root.join(krate).join("src"), &mut found);
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines: Vec<&str> =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (path, lines.join("\n"))
    };
    found.into_iter().map(read).collect()
}

/// Returns the string literals of some code, unescaped.
fn literals(code: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), code.replace("'\"'", "' '"));
    while let Some(start) = rest.find('"') {
        let (mut text, mut chars) = (String::new(), rest[start + 1..].char_indices());
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    end = start + 1 + at + 1;
                    break;
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, '\n')) => {
                        while chars.clone().next().is_some_and(|(_, c)| c == ' ') {
                            chars.next();
                        }
                    }
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                c => text.push(c),
            }
        }
        found.push(text);
        rest = rest.split_off(end);
    }
    found
}

/// Returns the code from an opening parenthesis to the one that closes it.
fn enclosed(code: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &code[..at];
        }
    }
    code
}

/// Splits a command into words and fills in its placeholders.
fn words(command: &str) -> Vec<OsString> {
    let mut filled = String::new();
    let mut rest = command.replace("{{}}", "--call c7");
    while let Some(start) = rest.find(['<', '{']) {
        let close = if rest[start..].starts_with('<') { '>' } else { '}' };
        let Some(length) = rest[start..].find(close) else { break };
        filled += &rest[..start];
        filled.push('7');
        rest = rest.split_off(start + length + 1);
    }
    filled += &rest;
    let parts: Vec<&str> = filled.split('"').collect();
    let mut words = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(OsString::from)),
            _ => words.push(part.into()),
        }
    }
    words
}

#[test]
fn every_hint_is_a_command() {
    let mut count = 0;
    for (path, code) in code() {
        for (at, _) in code.match_indices(".hint(") {
            for hint in literals(enclosed(&code[at + ".hint(".len()..])) {
                // Joins commands, or contains only commands that are checked elsewhere.
                if hint == "\n" || hint.starts_with('{') {
                    continue;
                }
                count += 1;
                for command in hint.split('\n') {
                    let first = command.split_whitespace().next().unwrap_or_default();
                    let known = COMMANDS.contains(&first) || command.starts_with('{');
                    assert!(known, "{}: {hint:?} is not a command", path.display());
                    let prose = [';', '|'].iter().any(|c| command.contains(*c));
                    assert!(!prose && !command.contains(", "), "{}: {hint:?}", path.display());
                }
            }
        }
    }
    assert!(count > 40, "only {count} were found");
}

#[test]
fn every_command_that_is_suggested_parses() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (path, code) in code() {
        // The purpose label of a cipher is not a command.
        if path.ends_with("store/seal.rs") {
            continue;
        }
        for text in literals(&code).iter().filter(|text| text.starts_with("p2p ")) {
            let commands = text.split('\n').flat_map(|commands| commands.split(" && "));
            for command in commands.filter(|command| command.starts_with("p2p ")) {
                // The verb is only known at run time, or the text is an example in a sentence.
                if command.starts_with("p2p {") || command.starts_with("p2p demo:") {
                    continue;
                }
                count += 1;
                // The shell handles the redirection.
                let command = command.split(" > ").next().unwrap_or_default();
                let parsed = args::parse(&words(command));
                let fits = matches!(parsed, Ok(_) | Err(Unparsed::Ready(_)));
                if !fits {
                    wrong.push(format!("{}: {command}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 60, "only {count} were found");
}
