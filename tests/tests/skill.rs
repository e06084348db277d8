//! The commands of `skill/SKILL.md`, typed as they stand there.
//!
//! A block of `sh` behind `<!-- run: alice -->` or `<!-- run: bob -->` is typed by that agent, in
//! the order of the page: each line that begins with `$ `, with the here-document that follows
//! it; the rest is sample output. Alice and Bob know each other by name. In the comment, `waits`
//! says that something must wait for the agent first, and `exit=N` what every command of the block
//! exits with instead of 0.
#![expect(clippy::panic, clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;

use p2p_tests::{Agent, Meeting, Running, binary, root, until};

/// Blocks of commands that nobody is said to type are an error, so that none goes untested.
struct Block {
    who: String,
    waits: bool,
    exit: i32,
    commands: Vec<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut marked: Option<String> = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(mark) = line.strip_prefix("<!-- run: ").and_then(|l| l.strip_suffix(" -->")) {
            marked = Some(mark.to_owned());
        } else if line == "```sh" {
            let mark = marked.take().unwrap_or_else(|| panic!("nobody types a block of sh"));
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let mut words = mark.split_whitespace();
            let who = words.next().unwrap_or_default().to_owned();
            let rest: Vec<&str> = words.collect();
            let exit = rest.iter().find_map(|word| word.strip_prefix("exit="));
            blocks.push(Block {
                who,
                waits: rest.contains(&"waits"),
                exit: exit.map_or(0, |code| code.parse().unwrap()),
                commands: commands(&body),
            });
        }
    }
    blocks
}

fn commands(body: &[&str]) -> Vec<String> {
    let mut commands = Vec::new();
    let mut lines = body.iter();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let mut command = command.to_owned();
        if command.contains("<<'EOF'") {
            for line in lines.by_ref() {
                command.push('\n');
                command.push_str(line);
                if *line == "EOF" {
                    break;
                }
            }
        }
        commands.push(command);
    }
    commands
}

fn shell(agent: &Agent, command: &str) -> p2p_tests::Output {
    let folder = binary().parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = agent.command("/bin/sh");
    shell.args(["-c", command]).env("PATH", path);
    Running::start(command.to_owned(), &mut shell, "").end()
}

#[test]
fn every_command_of_the_skill_works_as_printed() {
    let page = fs::read_to_string(root().join("skill/SKILL.md")).unwrap();
    let meeting = Meeting::new();
    fs::write(meeting.alice.work().join("page.md"), "# Seite\n").unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() >= 5, "the skill shows the whole flow");
    for block in blocks {
        let agent = match block.who.as_str() {
            "alice" => &meeting.alice,
            "bob" => &meeting.bob,
            other => panic!("who is {other}?"),
        };
        if block.waits {
            let waits =
                |pending: &serde_json::Value| pending["ringing"] != 0 || pending["unread"] != 0;
            until("something waits", || waits(&agent.json(&["pending"])));
        }
        assert!(!block.commands.is_empty(), "a block without a command");
        for command in &block.commands {
            let typed = shell(agent, command).exits(block.exit);
            assert!(block.exit != 0 || !typed.stdout.is_empty(), "{typed}");
        }
    }
    let copy = fs::read_to_string(meeting.bob.work().join("copy.md")).unwrap();
    assert_eq!(copy, "# Seite\n");
}

#[test]
fn the_skill_has_the_front_matter_that_openclaw_reads() {
    let page = fs::read_to_string(root().join("skill/SKILL.md")).unwrap();
    let front = page.strip_prefix("---\n").and_then(|p| p.split_once("\n---\n")).unwrap().0;
    let field = |name: &str| {
        let line = front.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    assert_eq!(field("name"), "p2p");
    assert!(field("description").len() < 160, "{}", field("description").len());
    let metadata: serde_json::Value = serde_json::from_str(&field("metadata")).unwrap();
    assert_eq!(metadata["openclaw"]["requires"]["bins"], serde_json::json!(["p2p"]));
    assert!(page.lines().count() < 200, "short enough to be read whole");
}
