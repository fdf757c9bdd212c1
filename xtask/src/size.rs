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

/// The sizes of one wasm file, in bytes.
#[derive(Debug)]
pub(crate) struct WasmSize {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl WasmSize {
    /// Compresses as a server would.
    pub(crate) fn of(wasm: &[u8]) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(wasm)?;
        let mut brotli = Vec::new();
        let mut writer =
            brotli::CompressorWriter::new(&mut brotli, 1 << 16, BROTLI_QUALITY, BROTLI_WINDOW);
        writer.write_all(wasm)?;
        drop(writer);
        Ok(Self { raw: wasm.len(), gzip: gzip.finish()?.len(), brotli: brotli.len() })
    }

    /// The report, with the tarball's size.
    pub(crate) fn table(&self, budget: &Size, tarball: usize) -> Table {
        let mut table = Table::new(&["size", "bytes", "budget"]);
        for (what, bytes, budget) in [
            ("wasm, raw", self.raw, None),
            ("wasm, gzip", self.gzip, None),
            ("wasm, brotli", self.brotli, Some(budget.brotli)),
            ("tarball", tarball, None),
        ] {
            let budget = budget.map(grouped).unwrap_or_default();
            table.row([what.to_owned(), grouped(bytes), budget]);
        }
        table
    }

    /// Fails beyond the budget.
    pub(crate) fn check(&self, budget: &Size) -> Result<()> {
        ensure!(
            self.brotli <= budget.brotli,
            "the wasm weighs {} bytes as brotli; wasm-pack.toml allows {}",
            grouped(self.brotli),
            grouped(budget.brotli)
        );
        Ok(())
    }
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
        let size = WasmSize::of(&[7; 10_000])?;
        assert!(size.brotli < size.raw && size.gzip < size.raw);
        size.check(&Size { brotli: size.brotli })?;
        assert!(size.check(&Size { brotli: size.brotli - 1 }).is_err());
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
