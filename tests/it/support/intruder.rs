//! A peer that is none of ours: it shows any certificate or none, believes everything, and sends what it likes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::transport::error::TransportError;
use aurora_mesh::wire::frame::{Frame, decode, encode};
use aurora_mesh::wire::open::{Open, Opening, StreamKind};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, RecvStream, SendStream};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::forge::Papers;

/// How a member introduces itself in TLS.
pub const MEMBER: &[u8] = b"aurora/1";

/// How a joiner does.
pub const JOINER: &[u8] = b"aurora-join/1";

/// A refusal that takes longer than this is none.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection of the intruder, and its streams: dropping one would finish it.
pub struct Intruder {
    pub connection: Connection,
    streams: Vec<(SendStream, RecvStream)>,
}

/// Something an intruder does.
pub enum Deed {
    /// Opens a stream without a word.
    Stream,
    /// Writes on the newest stream.
    Bytes(Vec<u8>),
    /// Waits until something comes on the newest stream.
    Hear,
    /// Ends the newest stream.
    Finish,
}

/// A well-formed frame.
pub fn say<F: Frame>(frame: impl Into<F>) -> Deed {
    Deed::Bytes(encode(&frame.into()).expect("encodes"))
}

/// The frame that names a stream.
pub fn name_stream(kind: StreamKind) -> Deed {
    say::<Opening>(Open { kind })
}

/// Dials. In TLS 1.3 a server judges the client last: its refusal comes afterwards, as the end of the connection.
pub async fn dial(address: SocketAddr, protocol: &[u8], papers: Option<&Papers>) -> Result<Intruder, TransportError> {
    dial_with(address, protocol, papers, default_provider()).await
}

/// The same with a choice of ciphers and groups of the test's own.
pub async fn dial_with(
    address: SocketAddr,
    protocol: &[u8],
    papers: Option<&Papers>,
    provider: CryptoProvider,
) -> Result<Intruder, TransportError> {
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("binds");
    let dialling =
        endpoint.connect_with(settings(protocol, papers, provider), address, "aurora-mesh.invalid").expect("dials");
    let connection = tokio::time::timeout(PATIENCE, dialling).await.expect("answered")?;
    Ok(Intruder { connection, streams: Vec::new() })
}

/// Dials as a member, and gives the reason for which that was refused.
pub async fn turned_away(address: SocketAddr, papers: Option<&Papers>) -> TransportError {
    match dial(address, MEMBER, papers).await {
        Ok(intruder) => intruder.ended().await,
        Err(refused) => refused,
    }
}

impl Intruder {
    /// Does one thing after the other. A peer that has had enough may have left before the last.
    pub async fn act(&mut self, deeds: impl IntoIterator<Item = Deed>) {
        for deed in deeds {
            match deed {
                Deed::Stream => self.streams.extend(self.connection.open_bi().await),
                Deed::Bytes(bytes) => drop(self.newest().0.write_all(&bytes).await),
                Deed::Hear => drop(self.newest().1.read_chunk(1, true).await),
                Deed::Finish => drop(self.newest().0.finish()),
            }
        }
    }

    /// Both halves of the newest stream.
    pub fn newest(&mut self) -> &mut (SendStream, RecvStream) {
        self.streams.last_mut().expect("a stream was opened")
    }

    /// Reads the next whole frame of the newest stream.
    pub async fn hears<F: Frame>(&mut self) -> F {
        let reading = async {
            let (_, receiver) = self.newest();
            let mut length = [0; 4];
            receiver.read_exact(&mut length).await.expect("a length");
            let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).expect("short")];
            receiver.read_exact(&mut body).await.expect("a body");
            decode(&body).expect("a frame")
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("something should have been said by now")
    }

    /// Waits until the other side ends the connection, and says why it did.
    pub async fn ended(&self) -> TransportError {
        let ended = tokio::time::timeout(PATIENCE, self.connection.closed()).await;
        ended.expect("the connection should have been closed by now").into()
    }
}

fn settings(protocol: &[u8], papers: Option<&Papers>, provider: CryptoProvider) -> quinn::ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible));
    let mut tls = match papers {
        None => builder.with_no_client_auth(),
        Some(Papers { chain, key }) => {
            let chain = chain.iter().cloned().map(CertificateDer::from).collect();
            let key = PrivatePkcs8KeyDer::from(key.to_plaintext().expose().to_vec());
            builder.with_client_auth_cert(chain, PrivateKeyDer::from(key)).expect("papers")
        }
    };
    tls.alpn_protocols = vec![protocol.to_vec()];
    quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("an initial suite")))
}

/// Takes every server for what it says it is.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
