/// The heads of the requests of a connection, as bytes made once.
///
/// As other clients do, the first request puts its headers into the server's table, and those that
/// follow say only where they are. Keys that change with each request are written out.
#[derive(Clone, Debug)]
pub(in crate::load) struct Heads {
    /// Puts all into the table.
    first: Vec<u8>,
    /// Says where they are.
    later: Vec<u8>,
    /// For a server whose table is too small.
    without_table: Vec<u8>,
    /// One for each key, behind the others; empty where there is one key, which is in the table.
    keys: Vec<Vec<u8>>,
}

/// Where a header is in the table that everybody has.
#[derive(Clone, Copy)]
enum Name {
    Known(usize),
    Literal(&'static str),
}

/// What all of this fits in; the usual table has 4096.
const TABLE_BYTES: u32 = 4096;
const AUTHORIZATION: Name = Name::Known(23);
/// `:method: POST` and `:scheme: http`.
const METHOD_AND_SCHEME: &[u8] = &[0x83, 0x86];
/// The index of what was put into the table last.
const NEWEST: usize = 62;
/// Ways of a literal: to be put into the table, or not.
const INTO_TABLE: (u8, u32) = (0x40, 6);
const NOT_INTO_TABLE: (u8, u32) = (0x00, 4);

impl Heads {
    /// For calls of one path, with one key after the other. What is longer than the table (keys
    /// and authority, of kilobytes) is written out each time.
    pub(in crate::load) fn new(
        authority: &str,
        path: &str,
        user_agent: &str,
        keys: &[&[u8]],
    ) -> Self {
        let mut fields: Vec<(Name, &[u8])> = vec![
            (Name::Known(1), authority.as_bytes()),
            (Name::Known(4), path.as_bytes()),
            (Name::Known(31), b"application/grpc"),
            (Name::Literal("te"), b"trailers"),
            (Name::Known(58), user_agent.as_bytes()),
        ];
        let one_key = match keys {
            [key] => Some((AUTHORIZATION, *key)),
            _ => None,
        };
        fields.extend(one_key);
        let many = if one_key.is_some() { &[] } else { keys };

        let (mut first, mut later) = (METHOD_AND_SCHEME.to_vec(), METHOD_AND_SCHEME.to_vec());
        // A table of no size is what an encoder has to say that it keeps to.
        let mut without_table = vec![0x20];
        without_table.extend_from_slice(METHOD_AND_SCHEME);
        for (index, &(name, value)) in fields.iter().enumerate() {
            literal(INTO_TABLE, name, value, &mut first);
            integer(0x80, 7, NEWEST + fields.len() - 1 - index, &mut later);
            literal(NOT_INTO_TABLE, name, value, &mut without_table);
        }
        let keys = many.iter().map(|key| {
            let mut bytes = Vec::new();
            literal(NOT_INTO_TABLE, AUTHORIZATION, key, &mut bytes);
            bytes
        });
        let keys = keys.collect();
        // The standard counts 32 bytes for each; names are shorter than that.
        let n_bytes: usize = fields.iter().map(|(_, value)| value.len() + 64).sum();
        if TABLE_BYTES as usize <= n_bytes {
            first.clone_from(&without_table);
            later.clone_from(&without_table);
        }
        Self { first, later, without_table, keys }
    }

    /// The head of the first or of a later request with the key of a number, in two parts.
    #[inline]
    pub(in crate::load) fn block(
        &self,
        is_first: bool,
        table_bytes: u32,
        key: usize,
    ) -> (&[u8], &[u8]) {
        let all = match (table_bytes < TABLE_BYTES, is_first) {
            (true, _) => &self.without_table,
            (false, true) => &self.first,
            (false, false) => &self.later,
        };
        let key = key.checked_rem(self.keys.len()).and_then(|index| self.keys.get(index));
        (all, key.map_or(&[], Vec::as_slice))
    }
}

fn literal((bits, n_bits): (u8, u32), name: Name, value: &[u8], to: &mut Vec<u8>) {
    match name {
        Name::Known(index) => integer(bits, n_bits, index, to),
        Name::Literal(name) => {
            to.push(bits);
            text(name.as_bytes(), to);
        }
    }
    text(value, to);
}

fn text(text: &[u8], to: &mut Vec<u8>) {
    integer(0, 7, text.len(), to);
    to.extend_from_slice(text);
}

/// A number whose first byte has other bits too, before the last `n_bits`.
fn integer(bits: u8, n_bits: u32, mut number: usize, to: &mut Vec<u8>) {
    let most = (1 << n_bits) - 1;
    if number < most {
        to.push(bits | number as u8);
        return;
    }
    to.push(bits | most as u8);
    number -= most;
    while 0x80 <= number {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}
