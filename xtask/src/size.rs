//! What the package weighs, against what it may weigh.

use std::io::Write as _;

use anyhow::{Result, ensure};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use crate::recipe::Size;
use crate::table::{Table, grouped};

/// The highest brotli quality, and the window that servers use.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;

/// The sizes of one file, in bytes.
#[derive(Debug)]
pub(crate) struct Weight {
    name: String,
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Weight {
    /// Compresses as a server would.
    pub(crate) fn of(name: &str, bytes: &[u8]) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes)?;
        let mut brotli = Vec::new();
        let mut writer =
            brotli::CompressorWriter::new(&mut brotli, 1 << 16, BROTLI_QUALITY, BROTLI_WINDOW);
        writer.write_all(bytes)?;
        drop(writer);
        let (gzip, brotli) = (gzip.finish()?.len(), brotli.len());
        Ok(Self { name: name.to_owned(), raw: bytes.len(), gzip, brotli })
    }

    /// Fails beyond the budget, if there is one for this file.
    pub(crate) fn check(&self, budget: &Size) -> Result<()> {
        let allowed = budget.brotli.get(&self.name).copied().unwrap_or(usize::MAX);
        ensure!(
            self.brotli <= allowed,
            "{} weighs {} bytes as brotli; wasm-pack.toml allows {}",
            self.name,
            grouped(self.brotli),
            grouped(allowed)
        );
        Ok(())
    }
}

/// The report, with the tarball's size.
pub(crate) fn table(weights: &[Weight], budget: &Size, tarball: usize) -> Table {
    let mut table = Table::new(&["bytes", "raw", "gzip", "brotli", "budget"]);
    for Weight { name, raw, gzip, brotli } in weights {
        let budget = budget.brotli.get(name).copied().map(grouped).unwrap_or_default();
        let sizes = [*raw, *gzip, *brotli].map(grouped);
        table.row([name.clone()].into_iter().chain(sizes).chain([budget]));
    }
    table.row(["tarball".to_owned(), grouped(tarball)]);
    table
}

/// Bytes as a raw deflate stream, which every runtime can undo (`DecompressionStream`).
pub(crate) fn deflate_raw(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(bytes)?;
    Ok(deflate.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_kept_to_the_byte() -> Result<()> {
        let weight = Weight::of("a.wasm", &[7; 10_000])?;
        assert!(weight.brotli < weight.raw && weight.gzip < weight.raw);
        let budget = |bytes| Size { brotli: [("a.wasm".to_owned(), bytes)].into() };
        weight.check(&budget(weight.brotli))?;
        assert!(weight.check(&budget(weight.brotli - 1)).is_err());
        Ok(())
    }

    #[test]
    fn deflate_raw_can_be_undone() -> Result<()> {
        let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let mut undo = flate2::write::DeflateDecoder::new(Vec::new());
        undo.write_all(&deflate_raw(&bytes)?)?;
        assert_eq!(undo.finish()?, bytes);
        Ok(())
    }
}
