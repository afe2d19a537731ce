//! The life of a path, driven by vaultrs as its users have it.
//!
//! Usage: `vaultrs-client URL SERVICE`, with the token in `VAULT_TOKEN`. A panic is a promise that was not kept.

use std::collections::HashMap;

use vaultrs::api::kv2::requests::{SetSecretMetadataRequest, SetSecretRequestOptions};
use vaultrs::client::{VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;
use vaultrs::sys::ServerStatus;
use vaultrs::{kv2, sys, token};

type Fields = HashMap<String, String>;

const MOUNT: &str = "secret";

fn client(url: &str, token: &str) -> VaultClient {
    let settings = VaultClientSettingsBuilder::default().address(url).token(token).build().expect("settings");
    VaultClient::new(settings).expect("a client")
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn refused<T>(answer: Result<T, ClientError>, status: u16, word: &str) {
    match answer {
        Err(ClientError::APIError { code, errors }) => {
            assert_eq!(code, status, "{errors:?}");
            assert!(word.is_empty() || errors.iter().any(|error| error.contains(word)), "{errors:?} lacks {word}");
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (url, service) = (arguments.next().expect("a URL"), arguments.next().expect("a service"));
    let shown = std::env::var("VAULT_TOKEN").expect("a token");
    let good = client(&url, &shown);
    let read = async |version: u64| kv2::read_version::<Fields>(&good, MOUNT, &service, version).await;

    // Who asks, and whether the server is well.
    assert!(matches!(sys::status(&good).await.expect("a status"), ServerStatus::OK));
    assert_eq!(token::lookup_self(&good).await.expect("a token").renewable, Some(false));
    refused(token::lookup_self(&client(&url, "mj_agent_nobody")).await, 403, "permission denied");

    // Written, read, written again.
    refused(kv2::read::<Fields>(&good, MOUNT, &service).await, 404, "");
    let cas = |cas| SetSecretRequestOptions { cas };
    let first = fields(&[("user", "robot"), ("key", "not-a-real-key")]);
    let stored = kv2::set_with_options(&good, MOUNT, &service, &first, cas(0)).await.expect("stored");
    assert_eq!(stored.version, 1);
    assert_eq!(kv2::read::<Fields>(&good, MOUNT, &service).await.expect("read"), first);
    let second = fields(&[("user", "robot"), ("key", "second")]);
    assert_eq!(kv2::set(&good, MOUNT, &service, &second).await.expect("stored").version, 2);
    let late = kv2::set_with_options(&good, MOUNT, &service, &first, cas(1)).await;
    refused(late, 400, "check-and-set parameter did not match the current version");
    assert_eq!(read(1).await.expect("read"), first);

    // Which paths there are, and what is known of one.
    assert!(kv2::list(&good, MOUNT, "").await.expect("names").contains(&service));
    let mut said = SetSecretMetadataRequest::builder();
    said.custom_metadata(fields(&[("owner", "ops")]));
    kv2::set_metadata(&good, MOUNT, &service, Some(&mut said)).await.expect("said");
    let known = kv2::read_metadata(&good, MOUNT, &service).await.expect("known");
    assert_eq!((known.current_version, known.versions.len()), (2, 2));
    assert_eq!(known.custom_metadata, Some(fields(&[("owner", "ops")])));

    // Deleted, undeleted, destroyed.
    kv2::delete_latest(&good, MOUNT, &service).await.expect("deleted");
    assert!(kv2::read::<Fields>(&good, MOUNT, &service).await.is_err());
    kv2::undelete_versions(&good, MOUNT, &service, vec![2]).await.expect("undeleted");
    assert_eq!(kv2::read::<Fields>(&good, MOUNT, &service).await.expect("read"), second);
    kv2::destroy_versions(&good, MOUNT, &service, vec![1]).await.expect("destroyed");
    assert!(read(1).await.is_err());
    kv2::delete_metadata(&good, MOUNT, &service).await.expect("gone for good");
    assert!(kv2::read::<Fields>(&good, MOUNT, &service).await.is_err());
    println!("the whole life of a path");
}
