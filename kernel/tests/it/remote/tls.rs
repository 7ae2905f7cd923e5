//! TLS: who vouches for whom.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::problem::Kind;
use servertree_kernel::remote::{GrpcServer, Peer, RemoteTokenVerifier, Settings};

use super::{Authority, SECRET, Server, with_secret};

/// Writes an authority of its own and a certificate by it for `localhost`: settings that name the files.
fn certificates(folder: &Path, name: &str) -> Settings {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let subject = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = subject.signed_by(&key, &issuer).unwrap();
    let write = |part: &str, pem: String| {
        let path = folder.join(format!("{name}-{part}.pem"));
        fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    Settings {
        grpc_certificate: write("certificate", certificate.pem()),
        grpc_certificate_key: write("key", key.serialize_pem()),
        ca_certificate: write("ca", ca.pem()),
        ..with_secret(SECRET)
    }
}

fn verifier(server: &Server, scheme: &str, ca_certificate: &str) -> RemoteTokenVerifier {
    let url = format!("{scheme}://localhost:{}", server.address.port());
    let settings = Settings { url, ca_certificate: ca_certificate.to_owned(), ..with_secret(SECRET) };
    settings.validate().unwrap();
    RemoteTokenVerifier::new(Peer::of(&settings).unwrap().unwrap())
}

#[tokio::test]
async fn who_is_not_vouched_for_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let settings = certificates(folder.path(), "own");
    let server = Server::start_with(&settings).await;
    let trusting = verifier(&server, "https", &settings.ca_certificate);
    assert!(trusting.verify("of-a-session").await.unwrap().is_some());

    let other = certificates(folder.path(), "other");
    for stranger in [verifier(&server, "https", &other.ca_certificate), verifier(&server, "http", "")] {
        let failure = stranger.verify("of-a-session").await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Unavailable, "{failure:?}");
    }
    assert_eq!(server.authority.asked(), 1);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let sound = certificates(folder.path(), "own");
    let url = "https://localhost:9090".to_owned();
    let missing = folder.path().join("missing.pem").to_str().unwrap().to_owned();
    for ca_certificate in [missing, sound.grpc_certificate_key.clone()] {
        let settings = Settings { url: url.clone(), ca_certificate, ..with_secret(SECRET) };
        let refused = Peer::of(&settings).err().unwrap().to_string();
        assert!(refused.starts_with("authorization.ca_certificate "), "{refused}");
    }
}

#[tokio::test]
async fn a_server_without_its_key_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let sound = certificates(folder.path(), "own");
    let other = certificates(folder.path(), "other");
    for (key, named) in [
        (sound.ca_certificate.clone(), "authorization.grpc_certificate_key "),
        (other.grpc_certificate_key, "authorization.grpc_certificate "),
    ] {
        let settings = Settings { grpc_certificate_key: key, ..sound.clone() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = Arc::new(Authority::default()).ports();
        let refused = GrpcServer::new(listener, ports, &settings).err().unwrap().to_string();
        assert!(refused.starts_with(named), "{refused}");
    }
}
