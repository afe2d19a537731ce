//! Lines of a journal that came from another node, and seals: what is taken in has the one form a node writes.

use aurora_mesh::audit::head::Head;
use aurora_mesh::audit::intake::Tip;
use aurora_mesh::audit::seal_text;
use aurora_mesh::crypto::digest::sha256;
use aurora_mesh::model::name::NodeName;

/// The bytes as a seal, as lines, and as what stands between the beginning and the end of a true line.
pub fn run(data: &[u8]) {
    if let Some(seal) = seal_text::parse(data) {
        assert_eq!(seal_text::render(&seal).as_bytes(), data, "another spelling of a seal");
    }
    if let Some(bytes) = std::str::from_utf8(data).ok().and_then(seal_text::digest) {
        assert_eq!(Head { seq: 1, hash: bytes }.hex().len(), 64);
    }
    let node = NodeName::parse("vengeance").expect("a name");
    let start = Tip::behind(Head::GENESIS);
    match start.follow_all(&node, data) {
        Ok(tip) => {
            let lines = u64::try_from(data.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX);
            assert_eq!(tip.head.seq, lines);
            assert!(data.iter().all(|byte| *byte >= b' ' || *byte == b'\n'), "a control character was taken in");
        }
        Err(misfit) => super::assert_printable(&misfit.to_string()),
    }
    let begins = format!("{{\"v\":2,\"seq\":1,\"prev\":\"{}\",\"node\":\"vengeance\"", Head::GENESIS.hex());
    let line = [begins.as_bytes(), data, b"}"].concat();
    if let Ok(tip) = start.follow(&node, &line) {
        assert_eq!(tip.head, Head { seq: 1, hash: sha256(&line) });
        assert!(!line.contains(&b'\n') && std::str::from_utf8(&line).is_ok());
    }
}
