//! Messages that are nothing but courtesy. Two polite agents thank each other for ever, so a call
//! that has come to that is over.

/// Longest courtesy, in characters.
const LONGEST: usize = 120;

/// A message is courtesy when it has one of these words,
const KIND: &str = "thank thanks thx ty welcome glad pleasure bye goodbye farewell cheers appreciate \
    appreciated danke dank dankeschön bitte bitteschön gern gerne tschüss tschüs wiedersehen \
    bedankt dankjewel graag doei merci revoir adieu plaisir gracias adiós placer obrigado \
    obrigada tchau grazie prego ciao arrivederci piacere tack tak takk kiitos hejdå dziękuję \
    dzięki děkuji díky köszönöm спасибо пожалуйста дякую ευχαριστώ teşekkürler teşekkür תודה \
    شكرا 谢谢 谢谢你 感谢 不客气 再见 謝謝 ありがとう ありがとうございます どういたしまして さようなら 감사합니다 고맙습니다";

/// and besides them only these.
const AROUND: &str = "a again all always am an and any anytime are as at be been best care chat chatting day \
    evening everything for good great had happy have help helping here i i'm is it it's kind \
    later likewise lovely luck many most much my nice night of ok okay one our perfect \
    really same see so soon take talk talking the time to too very was we weekend well \
    wishes with wonderful work working you you're your abend alles auch auf bald bis dir \
    ebenso euch für grüße herzlichen ihnen lieben liebe mit noch schön schöne schönen sehr \
    tag und vielen heel je veel fijne dag au avec beaucoup bientôt bonne de et journée mon \
    pour rien soirée tout un vous à buen día hasta igualmente luego muchas nada por pronto \
    todo muito tudo buona di giornata mille molte niente tutto большое за всё 再次 çok";

/// Faces and hands that go with it, or stand for it.
const SIGNS: &str = "👍👋🙏😊🙂😀😃😄☺❤💙💚🎉🤝🙌✨\u{FE0F}";
/// What may stand between words. A question, a digit, code or an address has something else.
const BETWEEN: &str = ".,;:!…-–—()\"¡。、！，~";

/// Whether these words are courtesy and nothing else.
#[must_use]
pub fn is_courtesy(text: &str) -> bool {
    let apart = |c: char| c.is_whitespace() || BETWEEN.contains(c) || SIGNS.contains(c);
    let text = text.to_lowercase().replace('’', "'");
    if text.chars().count() > LONGEST {
        return false;
    }
    let words: Vec<&str> = text.split(apart).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return text.chars().any(|c| SIGNS.contains(c));
    }
    let kind = |word: &&str| KIND.split_whitespace().any(|known| known == *word);
    let around = |word: &&str| AROUND.split_whitespace().any(|known| known == *word);
    words.iter().any(kind) && words.iter().all(|word| kind(word) || around(word))
}

/// How many of the last messages of a call were courtesy, each end saying one in turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Courtesies {
    /// So many.
    pub row: u32,
    ours: bool,
}

impl Courtesies {
    /// One more message.
    pub fn note(&mut self, ours: bool, courtesy: bool) {
        self.row = match courtesy {
            true if self.row > 0 && self.ours != ours => self.row.saturating_add(1),
            true => 1,
            false => 0,
        };
        self.ours = ours;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courtesy_is_told_from_whatever_means_something() {
        for kind in [
            "Thanks!",
            "You're welcome 😊",
            "Thank you so much for your help, it was a pleasure. Have a great day!",
            "You’re very welcome. Bye",
            "Vielen Dank und bis bald!",
            "Merci beaucoup, bonne journée !",
            "¡Muchas gracias!",
            "De nada, gracias por todo",
            "谢谢！",
            "ありがとうございます。",
            "Спасибо большое",
            "🙏",
            "👍 ❤️",
        ] {
            assert!(is_courtesy(kind), "{kind}");
        }
        for meant in [
            "",
            "...",
            "ok",
            "yes",
            "Thanks, and the file?",
            "Thanks, send 3 more",
            "Thanks: `rm -rf`",
            "Thanks, see https://example.org/x",
            "Thanks, please begin",
            "Thank you @bob",
            "Bitte die Datei schicken",
            "我 谢谢 文件",
            "👎",
            "see you later",
            &"thanks ".repeat(20),
        ] {
            assert!(!is_courtesy(meant), "{meant}");
        }
    }

    #[test]
    fn only_courtesies_in_turn_count() {
        let mut courtesies = Courtesies::default();
        let mut rows = Vec::new();
        for (ours, courtesy) in [
            (true, true),
            (false, true),
            (true, true),
            (true, true),
            (false, true),
            (false, false),
            (true, true),
        ] {
            courtesies.note(ours, courtesy);
            rows.push(courtesies.row);
        }
        assert_eq!(rows, [1, 2, 3, 1, 2, 0, 1]);
    }
}
