//! Reading bytes from front to back.

use crate::ProofError;

/// Bytes yet to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Bytes(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Takes this byte, if it is what comes next.
    pub(crate) fn take_byte(&mut self, expected: u8) -> bool {
        match self.0.split_first() {
            Some((byte, rest)) if *byte == expected => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ProofError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ProofError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ProofError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ProofError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ProofError> {
        self.array().map(|[byte]| byte)
    }

    /// Reads an unsigned LEB128 number of at most 53 bits, in its shortest form.
    pub(crate) fn number(&mut self) -> Result<u64, ProofError> {
        let mut number = 0_u64;
        for shift in (0..53).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // A last byte of zero could be left out.
                let shortest = byte != 0 || shift == 0;
                return if shortest && number < 1 << 53 {
                    Ok(number)
                } else {
                    Err(ProofError::Malformed)
                };
            }
        }
        Err(ProofError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        let read = |bytes: &[u8]| {
            let mut bytes = Bytes::new(bytes);
            bytes.number().map(|number| (number, bytes.is_empty()))
        };
        assert_eq!(read(&[0]), Ok((0, true)));
        assert_eq!(read(&[0x7f]), Ok((127, true)));
        assert_eq!(read(&[0x80, 1]), Ok((128, true)));
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(read(&largest), Ok(((1 << 53) - 1, true)));
        let refused: [&[u8]; 5] = [
            &[],
            &[0x80],
            &[0x80, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ];
        for bytes in refused {
            assert_eq!(read(bytes), Err(ProofError::Malformed), "{bytes:x?}");
        }
    }
}
