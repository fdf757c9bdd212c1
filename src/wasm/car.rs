//! The classes `CarImport` and `CarExport`: CAR files on their way in and out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{Answer, reply, settle, settle_written, write_done};
use super::job::Job;
use super::options::{self, CommitOptions};
use super::record::read_cids;
use super::scratch;
use super::store::DagStore;
use crate::export::{CHUNK, Export};
use crate::import::{CarIntake, Imported};
use crate::pace::Pace;
use crate::state::State;
use crate::{Changes, DagError, DagStoreBatch, ErrorKind, ExportQuery, Limits, SharedDagStore};

/// The bytes of what comes before a chunk: how far it is, and its length.
const HEAD: usize = 3 * size_of::<u64>();

/// A file on its way in, piece by piece.
#[wasm_bindgen]
#[derive(Debug)]
pub struct CarImport {
    /// `None` once it was imported or refused.
    intake: RefCell<Option<CarIntake>>,
}

impl CarImport {
    fn new(limits: Limits) -> Self {
        CarImport { intake: RefCell::new(Some(CarIntake::new(Changes::new(), limits))) }
    }
}

#[wasm_bindgen]
impl CarImport {
    /// Takes the piece in the question.
    pub fn push(&self, length: usize) -> bool {
        let pushed = self.intake.take().ok_or_else(ended).and_then(|mut intake| {
            scratch::read(length, |piece| intake.push(piece))?;
            self.intake.replace(Some(intake));
            Ok(())
        });
        reply(&pushed)
    }
}

/// A file on its way out, chunk by chunk.
#[wasm_bindgen]
#[derive(Debug)]
pub struct CarExport {
    store: SharedDagStore,
    /// Taken out while a chunk is made, and not put back where that fails.
    export: Rc<RefCell<Option<Export>>>,
}

#[wasm_bindgen]
impl CarExport {
    /// Answers how many nodes were written, of how many, and the next chunk, which may be empty. There are
    /// more until all were written.
    pub fn next(&self) -> bool {
        let (store, export) = (self.store.clone(), Rc::clone(&self.export));
        settle_written(async move {
            let mut open = export.take().ok_or_else(ended)?;
            let write = |export: &mut Export, state: &State| {
                let mut written = Ok(false);
                write_done(HEAD + CHUNK, |out| {
                    let head = out.len();
                    out.resize(head + HEAD, 0);
                    written = export.write(state, out);
                    let (done, total) = export.progress();
                    let numbers = [done, total, (out.len() - head - HEAD) as u64];
                    out[head..head + HEAD]
                        .copy_from_slice(numbers.map(u64::to_le_bytes).as_flattened());
                })?;
                written
            };
            store.export_some(&mut open, &mut Pace::default(), write).await?;
            export.replace(Some(open));
            Ok(())
        })
    }
}

/// The roots, then the commit.
impl Answer for Imported {
    fn bytes(&self) -> usize {
        self.roots.bytes() + self.commit.bytes()
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool {
        if piece == 0 {
            self.roots.write(out);
        }
        self.commit.write_piece(piece, out)
    }
}

#[wasm_bindgen]
impl DagStore {
    /// Begins to take a file in.
    #[wasm_bindgen(js_name = carImport)]
    #[must_use]
    pub fn car_import(&self) -> CarImport {
        CarImport::new(self.store.limits().clone())
    }

    /// Commits the nodes of the file that was taken in; answers its roots and the commit.
    #[wasm_bindgen(js_name = importCar)]
    pub fn import_car(&self, car: &CarImport, options: &[u8], job: &Job) -> bool {
        let store = self.store.clone();
        let intake = car.intake.take();
        let options = options::read::<CommitOptions>(options);
        let mut pace = job.pace();
        settle(async move {
            let (changes, file) = intake.ok_or_else(ended)?.finish()?;
            file.check_roots(&store.has_many(&file.elsewhere).await?)?;
            let mut batch = DagStoreBatch::with_staged(Arc::new(store), changes);
            options?.apply(&mut batch)?;
            let imported = file.imported(batch.commit_at(&mut pace).await)?;
            pace.finish();
            Ok(imported)
        })
    }

    /// Begins to export nodes: of the CIDs in the question the first `past_of` are those whose past is
    /// wanted, unless that is none, the others those whose past is not.
    #[wasm_bindgen(js_name = exportCar)]
    #[must_use]
    pub fn export_car(
        &self,
        length: usize,
        scope_id: Option<String>,
        past_of: Option<usize>,
        after_commit: Option<f64>,
    ) -> CarExport {
        // JavaScript has checked them.
        let mut cids = read_cids(length).unwrap_or_default();
        let not_past_of = cids.split_off(past_of.unwrap_or(0).min(cids.len()));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a whole number, 0 or more"
        )]
        let query = ExportQuery {
            scope_id,
            past_of: past_of.map(|_| cids),
            not_past_of,
            after_commit: after_commit.map(|sequence| sequence as u64),
        };
        let export = Rc::new(RefCell::new(Some(Export::new(query))));
        CarExport { store: self.store.clone(), export }
    }
}

fn ended() -> DagError {
    DagError::new(ErrorKind::InvalidArgument, "the file was ended, or has failed before")
}
