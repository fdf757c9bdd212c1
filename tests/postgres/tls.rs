//! TLS, with a certificate that the server signed itself.

use std::sync::Arc;

use dag_store::{CommitFilter, ErrorKind, PostgresOptions, Result, SharedDagStore};
use libtest_mimic::Trial;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::failures::words;
use crate::server::{PASSWORD, Server};
use crate::tables::node;
use crate::trial;

pub(crate) fn trials(server: &Arc<Server>) -> Vec<Trial> {
    vec![trial(server, "all_goes_by_tls_where_it_is_asked_for", |_| {
        all_goes_by_tls(Server::start_with_tls())
    })]
}

/// A connector that trusts this certificate, or none.
fn trusting(certificate: Option<&[u8]>) -> MakeRustlsConnect {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = certificate {
        roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    MakeRustlsConnect::new(config)
}

async fn open(server: &Server, tls: MakeRustlsConnect) -> Result<SharedDagStore> {
    let address = server.address() + "&sslmode=require&application_name=by-tls";
    let journal = PostgresOptions::parse(&address)?.open_with_tls(tls).await?;
    SharedDagStore::open(journal).await
}

async fn all_goes_by_tls(server: Server) {
    let store = open(&server, trusting(Some(&server.certificate()))).await.unwrap();
    let writing = SharedDagStore::open(server.journal("dag_store").await.unwrap()).await.unwrap();
    writing.insert(node(1, &[])).await.unwrap();
    // Who watches has a connection for that too.
    store.next_commit(0, &CommitFilter::default()).await.unwrap();
    store.insert(node(2, &[])).await.unwrap();
    let client = server.client().await;
    let question = "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl) \
                    FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'by-tls'";
    let row = client.query_one(question, &[]).await.unwrap();
    assert!(row.get::<_, i64>(0) >= 2, "{row:?}");
    assert_eq!(row.get::<_, i64>(1), 0);

    let error = open(&server, trusting(None)).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
    assert!(words(&error).contains("certificate"), "{error:?}");
    assert!(!words(&error).contains(PASSWORD), "{error:?}");
}
