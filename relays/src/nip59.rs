//! Gift wraps (NIP-59): a rumor in a signed seal in a wrap by a key that is used once.
//!
//! Both directions are pure. Wraps are opened step by step, because the SDK's own unwrapping accepts a
//! "seal" of any kind and a rumor with a false id.

use nostr::nips::nip44;
use nostr::secp256k1::rand::rngs::StdRng;
use nostr::secp256k1::rand::{Rng, SeedableRng};
use nostr::{Event, EventBuilder, JsonUtil, Keys, Kind, SECP256K1, Tag, Timestamp};
use p2p_core::rumor::Forgery;
use p2p_core::wire::TEXT_KIND;
use p2p_core::{PublicKey, Rumor, RumorId, Time, Verified};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::drops::DropReason;

/// The most seconds that a seal or a wrap is dated back: two days, as NIP-59 wants.
pub(crate) const BACKDATING: u64 = 2 * 24 * 3600;

/// The reason why an event is not a message for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("the wrap's id is not its hash")]
    WrapId,
    #[error("the wrap's signature is invalid")]
    WrapSignature,
    #[error("not a gift wrap")]
    NotAWrap,
    #[error("addressed to another key")]
    NotForUs,
    #[error("expired")]
    Expired,
    #[error("the wrap cannot be decrypted")]
    WrapCiphertext,
    #[error("the wrap's content is not an event")]
    SealMalformed,
    #[error("the wrap's content is not a seal")]
    NotASeal,
    #[error("the seal's id or signature is invalid")]
    SealSignature,
    #[error("the seal cannot be decrypted")]
    SealCiphertext,
    #[error("the seal's content is not a rumor")]
    RumorMalformed,
    #[error(transparent)]
    Forged(#[from] Forgery),
}

impl Rejected {
    /// Returns the reason under which the event is counted.
    pub fn reason(self) -> DropReason {
        match self {
            Self::WrapId | Self::WrapSignature => DropReason::Unverified,
            Self::NotAWrap => DropReason::NotAWrap,
            Self::NotForUs => DropReason::NotForUs,
            Self::Expired => DropReason::Expired,
            Self::WrapCiphertext | Self::SealCiphertext => DropReason::Undecryptable,
            Self::SealMalformed | Self::RumorMalformed => DropReason::Malformed,
            Self::NotASeal | Self::SealSignature => DropReason::SealUnverified,
            Self::Forged(_) => DropReason::Forged,
        }
    }
}

/// The reason why a rumor could not be wrapped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WrapError {
    #[error("the receiver's key is invalid, or the text is too large")]
    Encrypt(#[from] nip44::Error),
    #[error("the wrap cannot be signed")]
    Sign(#[from] nostr::event::Error),
}

/// A rumor as it travels. Only the id may be missing.
#[derive(Serialize, Deserialize)]
struct Inner<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<RumorId>,
    pubkey: PublicKey,
    created_at: u64,
    kind: u16,
    tags: std::borrow::Cow<'a, [Vec<String>]>,
    content: std::borrow::Cow<'a, str>,
}

/// Seals a rumor with our key and wraps it for `to`. The wrap is dated back by up to `backdating`
/// seconds, which is [`BACKDATING`] unless a relay accepts less.
pub(crate) fn wrap(
    rumor: &Rumor,
    keys: &Keys,
    to: PublicKey,
    now: Time,
    backdating: u64,
) -> Result<Event, WrapError> {
    let inner = Inner {
        id: Some(rumor.id()),
        pubkey: rumor.pubkey,
        created_at: rumor.created_at,
        kind: rumor.kind,
        tags: (&rumor.tags).into(),
        content: (&rumor.content).into(),
    };
    let inner = serde_json::to_string(&inner).unwrap_or_default();
    let plain = rumor.kind == TEXT_KIND && rumor.tag("v").is_none();
    let mut rng = if plain { repeatable(rumor, keys, to) } else { StdRng::from_entropy() };
    let now = if plain { Time::from_secs(rumor.created_at) } else { now };
    let seal = encrypted(&mut rng, Kind::Seal, &inner, keys, to, now, BACKDATING)?;
    let seal = signed(&mut rng, seal, keys)?.as_json();
    let once = Keys::generate_with_rng(&mut rng);
    let to_tag = Tag::public_key(nostr::PublicKey::from_byte_array(to.0));
    let wrap = encrypted(&mut rng, Kind::GiftWrap, &seal, &once, to, now, backdating)?.tag(to_tag);
    signed(&mut rng, wrap, &once)
}

/// Returns randomness that is the same for the same rumor and receiver. A person's app may show a
/// message again that comes in another wrap; relays recognize the same wrap by its id.
fn repeatable(rumor: &Rumor, keys: &Keys, to: PublicKey) -> StdRng {
    let mut hash = Sha256::new();
    hash.update(b"plain wrap of p2p");
    hash.update(keys.secret_key().as_secret_bytes());
    hash.update(rumor.id().0);
    hash.update(to.0);
    StdRng::from_seed(hash.finalize().into())
}

fn signed(rng: &mut StdRng, event: EventBuilder, keys: &Keys) -> Result<Event, WrapError> {
    Ok(event.build(keys.public_key()).sign_with_ctx(SECP256K1, rng, keys)?)
}

/// Returns an event builder with `text` encrypted from `keys` to `to`, dated back by up to
/// `backdating` seconds.
fn encrypted(
    rng: &mut StdRng,
    kind: Kind,
    text: &str,
    keys: &Keys,
    to: PublicKey,
    now: Time,
    backdating: u64,
) -> Result<EventBuilder, nip44::Error> {
    let to = nostr::PublicKey::from_byte_array(to.0);
    let content = nip44::encrypt_with_rng(rng, keys.secret_key(), &to, text, nip44::Version::V2)?;
    let at = now.secs().saturating_sub(rng.gen_range(0..=backdating));
    Ok(EventBuilder::new(kind, content).custom_created_at(Timestamp::from(at)))
}

/// Verifies the id and the signature of an event.
pub(crate) fn verify(event: &Event) -> Result<(), Rejected> {
    if !event.verify_id() {
        return Err(Rejected::WrapId);
    }
    if !event.verify_signature() {
        return Err(Rejected::WrapSignature);
    }
    Ok(())
}

/// Opens a wrap whose id and signature were verified.
pub(crate) fn open(wrap: &Event, keys: &Keys, now: Time) -> Result<Verified, Rejected> {
    if wrap.kind != Kind::GiftWrap {
        return Err(Rejected::NotAWrap);
    }
    let me = keys.public_key();
    if !wrap.tags.public_keys().any(|key| *key == me) {
        return Err(Rejected::NotForUs);
    }
    if wrap.is_expired_at(&Timestamp::from(now.secs())) {
        return Err(Rejected::Expired);
    }
    let seal = nip44::decrypt(keys.secret_key(), &wrap.pubkey, &wrap.content)
        .map_err(|_| Rejected::WrapCiphertext)?;
    let seal = Event::from_json(seal).map_err(|_| Rejected::SealMalformed)?;
    if seal.kind != Kind::Seal {
        return Err(Rejected::NotASeal);
    }
    verify(&seal).map_err(|_| Rejected::SealSignature)?;
    let inner = nip44::decrypt(keys.secret_key(), &seal.pubkey, &seal.content)
        .map_err(|_| Rejected::SealCiphertext)?;
    let inner: Inner<'_> = serde_json::from_str(&inner).map_err(|_| Rejected::RumorMalformed)?;
    let claimed = inner.id;
    let rumor = Rumor {
        pubkey: inner.pubkey,
        created_at: inner.created_at,
        kind: inner.kind,
        tags: inner.tags.into_owned(),
        content: inner.content.into_owned(),
    };
    Ok(Verified::from_seal(PublicKey(seal.pubkey.to_bytes()), claimed, rumor)?)
}

#[cfg(test)]
mod tests {
    use nostr::UnsignedEvent;

    use super::*;

    const NOW: Time = Time::from_secs(1_700_000_000);

    fn key(keys: &Keys) -> PublicKey {
        PublicKey(keys.public_key().to_bytes())
    }

    fn rumor(from: &Keys, content: &str) -> Rumor {
        let tags = [["p", "x"], ["v", "1"], ["note", content]].map(|tag| tag.map(String::from));
        let tags = tags.map(Vec::from).into();
        Rumor { pubkey: key(from), created_at: NOW.secs(), kind: 14, tags, content: content.into() }
    }

    fn unwrap(wrap: &Event, keys: &Keys) -> Result<Verified, Rejected> {
        verify(wrap)?;
        open(wrap, keys, NOW)
    }

    /// Makes a wrap by hand around any content.
    fn gift(inside: &str, to: &Keys, tags: Vec<Tag>) -> Event {
        let once = Keys::generate();
        encrypted(
            &mut StdRng::from_entropy(),
            Kind::GiftWrap,
            inside,
            &once,
            key(to),
            NOW,
            BACKDATING,
        )
        .unwrap()
        .tag(Tag::public_key(to.public_key()))
        .tags(tags)
        .sign_with_keys(&once)
        .unwrap()
    }

    fn seal(kind: Kind, inside: &str, from: &Keys, to: &Keys) -> Event {
        encrypted(&mut StdRng::from_entropy(), kind, inside, from, key(to), NOW, BACKDATING)
            .unwrap()
            .sign_with_keys(from)
            .unwrap()
    }

    fn json(rumor: &Rumor) -> serde_json::Value {
        let mut json = serde_json::to_value(rumor).unwrap();
        json["id"] = rumor.id().to_string().into();
        json
    }

    const TRICKY: &[&str] = &[
        "",
        "hello",
        "línea\nnueva\ttab\r\u{8}\u{c}\u{0}\u{1}\u{1f}\u{7f}",
        "\"quoted\" \\ / </script>",
        "\u{2028}\u{2029}\u{feff}\u{202e}",
        "👩‍🚀🏳️‍🌈 汉字 \u{10ffff}",
    ];

    #[test]
    fn a_wrapped_rumor_is_unwrapped_and_the_wrap_is_backdated() {
        let (alice, bob) = (Keys::generate(), Keys::generate());
        for text in TRICKY {
            let rumor = rumor(&alice, text);
            let event = wrap(&rumor, &alice, key(&bob), NOW, BACKDATING).unwrap();
            assert!(event.created_at.as_secs() <= NOW.secs());
            assert!(event.created_at.as_secs() >= NOW.secs() - BACKDATING);
            assert_ne!(event.pubkey, alice.public_key());
            let seal = nip44::decrypt(bob.secret_key(), &event.pubkey, &event.content).unwrap();
            let sealed_at = Event::from_json(seal).unwrap().created_at.as_secs();
            assert!((NOW.secs() - BACKDATING..=NOW.secs()).contains(&sealed_at));
            let verified = unwrap(&event, &bob).unwrap();
            assert_eq!(verified.rumor(), &rumor);
            assert_eq!(verified.author(), key(&alice));
        }
    }

    #[test]
    fn every_wrap_has_another_key() {
        let (alice, bob) = (Keys::generate(), Keys::generate());
        let rumor = rumor(&alice, "again");
        let wraps: Vec<_> =
            (0..2).map(|_| wrap(&rumor, &alice, key(&bob), NOW, BACKDATING).unwrap()).collect();
        assert_ne!(wraps[0].pubkey, wraps[1].pubkey);
        assert_ne!(wraps[0].id, wraps[1].id);
    }

    #[test]
    fn a_message_to_an_ordinary_app_goes_in_the_same_wrap_each_time() {
        let (alice, bob) = (Keys::generate(), Keys::generate());
        let mut plain = rumor(&alice, "hello");
        plain.tags.retain(|tag| tag[0] != "v");
        let later = NOW + std::time::Duration::from_secs(100_000);
        let wraps = [NOW, later].map(|now| wrap(&plain, &alice, key(&bob), now, BACKDATING));
        let [first, again] = wraps.map(Result::unwrap);
        assert_eq!(first, again);
        assert_eq!(unwrap(&first, &bob).unwrap().rumor(), &plain);
        // Another text or receiver, and nothing of the wrap is the same.
        let other = wrap(&rumor(&alice, "hello"), &alice, key(&bob), NOW, BACKDATING).unwrap();
        assert_ne!(other.pubkey, first.pubkey);
        let carol = wrap(&plain, &alice, key(&Keys::generate()), NOW, BACKDATING).unwrap();
        assert_ne!(carol.pubkey, first.pubkey, "two receivers share neither key nor nonce");
        plain.content = "hello!".into();
        let other = wrap(&plain, &alice, key(&bob), NOW, BACKDATING).unwrap();
        assert_ne!(other.pubkey, first.pubkey);
    }

    #[test]
    fn our_rumor_id_is_nostrs() {
        let alice = Keys::generate();
        for text in TRICKY {
            let rumor = rumor(&alice, text);
            let mut theirs = UnsignedEvent::new(
                alice.public_key(),
                Timestamp::from(rumor.created_at),
                Kind::from(rumor.kind),
                rumor.tags.iter().map(|tag| Tag::parse(tag).unwrap()),
                *text,
            );
            assert_eq!(rumor.id().0, theirs.id().to_bytes(), "{text:?}");
        }
    }

    #[test]
    fn wraps_of_the_sdk_open() {
        // Made by the SDK rather than by us.
        let (alice, bob) = (Keys::generate(), Keys::generate());
        let theirs = EventBuilder::private_msg_rumor(bob.public_key(), "from an app")
            .build(alice.public_key());
        let seal = seal(Kind::Seal, &theirs.as_json(), &alice, &bob);
        let verified = unwrap(&gift(&seal.as_json(), &bob, vec![]), &bob).unwrap();
        assert_eq!(verified.rumor().content, "from an app");
    }

    #[test]
    fn a_rumor_may_leave_out_its_id() {
        let (alice, bob) = (Keys::generate(), Keys::generate());
        let mut json = json(&rumor(&alice, "x"));
        json.as_object_mut().unwrap().remove("id");
        let seal = seal(Kind::Seal, &json.to_string(), &alice, &bob);
        assert!(unwrap(&gift(&seal.as_json(), &bob, vec![]), &bob).is_ok());
    }

    #[test]
    fn each_forgery_has_its_reason() {
        let (alice, bob, mallory) = (Keys::generate(), Keys::generate(), Keys::generate());
        let inner = rumor(&alice, "x");
        let good = json(&inner).to_string();
        let sealed = |kind, inside: &str, from| seal(kind, inside, from, &bob).as_json();
        let attempt = |inside: &str| unwrap(&gift(inside, &bob, vec![]), &bob).unwrap_err();

        assert_eq!(attempt(&sealed(Kind::TextNote, &good, &alice)), Rejected::NotASeal);
        assert_eq!(
            attempt(&sealed(Kind::Seal, &good, &mallory)),
            Rejected::Forged(Forgery::Author)
        );
        let mut lying = json(&inner);
        lying["id"] = "00".repeat(32).into();
        assert_eq!(
            attempt(&sealed(Kind::Seal, &lying.to_string(), &alice)),
            Rejected::Forged(Forgery::Id)
        );
        for not_a_rumor in ["", "{}", "[]", "null", "\"x\"", &good[..good.len() - 1]] {
            // NIP-44 encrypts no empty text.
            let text = if not_a_rumor.is_empty() { " " } else { not_a_rumor };
            assert_eq!(attempt(&sealed(Kind::Seal, text, &alice)), Rejected::RumorMalformed);
        }

        // A seal with alice's name and mallory's signature.
        let mut seal_json: serde_json::Value =
            serde_json::from_str(&sealed(Kind::Seal, &good, &alice)).unwrap();
        seal_json["sig"] =
            serde_json::from_str::<serde_json::Value>(&sealed(Kind::Seal, &good, &mallory))
                .unwrap()["sig"]
                .clone();
        assert_eq!(attempt(&seal_json.to_string()), Rejected::SealSignature);
        // A seal with its id changed.
        let mut seal_json: serde_json::Value =
            serde_json::from_str(&sealed(Kind::Seal, &good, &alice)).unwrap();
        seal_json["id"] = "11".repeat(32).into();
        assert_eq!(attempt(&seal_json.to_string()), Rejected::SealSignature);

        assert_eq!(attempt("hello"), Rejected::SealMalformed);
        let to_other = seal(Kind::Seal, &good, &alice, &mallory);
        assert_eq!(attempt(&to_other.as_json()), Rejected::SealCiphertext);
    }

    #[test]
    fn the_wrap_itself_is_checked() {
        let (alice, bob, mallory) = (Keys::generate(), Keys::generate(), Keys::generate());
        let good = wrap(&rumor(&alice, "x"), &alice, key(&bob), NOW, BACKDATING).unwrap();
        assert_eq!(unwrap(&good, &mallory), Err(Rejected::NotForUs));

        let mut other_id = good.clone();
        other_id.id = nostr::EventId::from_byte_array([1; 32]);
        assert_eq!(unwrap(&other_id, &bob), Err(Rejected::WrapId));

        let mut other_sig = good.clone();
        other_sig.sig = wrap(&rumor(&alice, "y"), &alice, key(&bob), NOW, BACKDATING).unwrap().sig;
        assert_eq!(unwrap(&other_sig, &bob), Err(Rejected::WrapSignature));

        let once = Keys::generate();
        let signed = |kind: Kind, content: &str, tags: Vec<Tag>| {
            EventBuilder::new(kind, content)
                .tag(Tag::public_key(bob.public_key()))
                .tags(tags)
                .sign_with_keys(&once)
                .unwrap()
        };
        assert_eq!(unwrap(&signed(Kind::TextNote, "x", vec![]), &bob), Err(Rejected::NotAWrap));
        for garbage in ["", "x", "AAAA", "Ag==", &"A".repeat(200), &"é".repeat(99)] {
            let event = signed(Kind::GiftWrap, garbage, vec![]);
            assert_eq!(unwrap(&event, &bob), Err(Rejected::WrapCiphertext), "{garbage}");
        }

        let expiring = |at: u64| {
            let sealed = seal(Kind::Seal, &json(&rumor(&alice, "x")).to_string(), &alice, &bob);
            gift(&sealed.as_json(), &bob, vec![Tag::expiration(Timestamp::from(at))])
        };
        assert_eq!(unwrap(&expiring(NOW.secs() - 1), &bob), Err(Rejected::Expired));
        assert!(unwrap(&expiring(NOW.secs() + 60), &bob).is_ok());
    }

    #[test]
    fn a_text_that_is_too_large_and_an_invalid_key_are_errors() {
        let (alice, bob) = (Keys::generate(), Keys::generate());
        assert!(
            wrap(&rumor(&alice, &"x".repeat(70_000)), &alice, key(&bob), NOW, BACKDATING).is_err()
        );
        assert!(wrap(&rumor(&alice, "x"), &alice, PublicKey([0xff; 32]), NOW, BACKDATING).is_err());
    }
}
