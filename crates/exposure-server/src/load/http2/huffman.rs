//! Texts of headers as most servers write them: RFC 7541, appendix B.

/// Appends what the bytes stand for; `None` where they are not of the code.
pub(super) fn decode(bytes: &[u8], to: &mut Vec<u8>) -> Option<()> {
    let (mut code, mut length) = (0_u32, 0);
    for byte in bytes {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            let symbols = CODE.get(length)?;
            if let Some(index) = code.checked_sub(symbols.first)
                && index < symbols.count
            {
                to.push(*ORDER.get((symbols.at + index) as usize)?);
                (code, length) = (0, 0);
            }
        }
    }
    // What is left fills up the last byte, with ones.
    (length < 8 && code == (1 << length) - 1).then_some(())
}

/// The codes of one length.
#[derive(Clone, Copy)]
struct Codes {
    first: u32,
    count: u32,
    /// Where their symbols begin in [`ORDER`].
    at: u32,
}

const N_LENGTHS: usize = 31;

/// By length. The code is a canonical one: shorter codes are less, and codes of one length follow
/// each other in the order of their symbols, so the lengths say all.
const CODE: [Codes; N_LENGTHS] = {
    let mut code = [Codes { first: 0, count: 0, at: 0 }; N_LENGTHS];
    let mut symbol = 0;
    while symbol < LENGTHS.len() {
        code[LENGTHS[symbol] as usize].count += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length < N_LENGTHS {
        let before = code[length - 1];
        code[length].first = (before.first + before.count) << 1;
        code[length].at = before.at + before.count;
        length += 1;
    }
    code
};

/// The symbols by their codes.
const ORDER: [u8; 256] = {
    let mut order = [0; 256];
    let (mut n_placed, mut length) = (0, 1);
    while length < N_LENGTHS {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                order[n_placed] = symbol as u8;
                n_placed += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    order
};

/// How many bits each byte takes. The end, 30 ones, is not in texts.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
