//! Rust text without its comments and strings, and what stands in it: functions with their lengths, names defined.
//!
//! A scanner of a few lines is enough here because the text is formatted by rustfmt and accepted by the compiler.

/// A function found in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Line of the `fn`, from 1.
    pub(crate) line: usize,
    /// From the line of the `fn` to that of its closing brace, both counted.
    pub(crate) lines: usize,
}

/// A name that a text gives to something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// `fn`, `struct`, …
    pub(crate) keyword: &'static str,
    pub(crate) name: String,
    /// From 1.
    pub(crate) line: usize,
}

const DEFINING_KEYWORDS: [&str; 8] = ["fn", "struct", "enum", "trait", "mod", "type", "const", "static"];

/// The text with comments, strings and character literals blanked; lines and columns stay where they were.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match prose_bytes(rest) {
            0 => code.push(first),
            length => code.extend(rest[..length].chars().map(|character| if character == '\n' { '\n' } else { ' ' })),
        }
        rest = &rest[prose_bytes(rest).max(first.len_utf8())..];
    }
    code
}

/// Every function with a body, in order; one inside another is counted in both.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let function_at = |definition: Definition, offset: usize| {
        let body_bytes = body_end(&code[offset..])?;
        let lines = 1 + code[offset..offset + body_bytes].matches('\n').count();
        Some(Function { name: definition.name, line: definition.line, lines })
    };
    located_definitions(code)
        .filter(|(definition, _)| definition.keyword == "fn")
        .filter_map(|(definition, offset)| function_at(definition, offset))
        .collect()
}

/// Every name defined by a keyword, in order.
pub(crate) fn definitions(code: &str) -> Vec<Definition> {
    located_definitions(code).map(|(definition, _)| definition).collect()
}

/// The words of a name, lower-case: `read_TheFile` has `read`, `the` and `file`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in name.chars() {
        if character == '_' || character == '-' || character.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && character.is_alphanumeric()
        {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Definitions with the byte at which each name begins.
fn located_definitions(code: &str) -> impl Iterator<Item = (Definition, usize)> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut line_start = 0;
    code.split_inclusive('\n').enumerate().flat_map(move |(index, line)| {
        let start = line_start;
        line_start += line.len();
        let mut found = Vec::new();
        for keyword in DEFINING_KEYWORDS {
            for (at, _) in line.match_indices(keyword) {
                let alone = !line[..at].ends_with(is_name) && line[at + keyword.len()..].starts_with(' ');
                let name_at = at + keyword.len() + 1;
                let name: String = line.get(name_at..).unwrap_or("").chars().take_while(|c| is_name(*c)).collect();
                if alone && !name.is_empty() && !DEFINING_KEYWORDS.contains(&name.as_str()) {
                    found.push((Definition { keyword, name, line: index + 1 }, start + name_at));
                }
            }
        }
        found
    })
}

/// Bytes from a function's name to the end of its body; `None` for a declaration without one.
fn body_end(code: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' if braces <= 1 => return Some(at + 1),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

/// How many bytes at the start of `rest` are a comment, a string or a character; 0 when code begins there.
fn prose_bytes(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_bytes(rest);
    }
    match rest.as_bytes().first() {
        Some(b'"') => quoted_bytes(rest, '"'),
        Some(b'r') => raw_string_bytes(rest),
        Some(b'\'') => character_bytes(rest),
        _ => 0,
    }
}

fn block_comment_bytes(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(found) = rest[at..].find(['/', '*']) {
        at += found;
        match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted_bytes(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string_bytes(rest: &str) -> usize {
    let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
    let opened = 1 + hashes + 1;
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let closing = format!("\"{}", "#".repeat(hashes));
    rest[opened..].find(&closing).map_or(rest.len(), |at| opened + at + closing.len())
}

/// A quote opens a character only when it is closed after one; otherwise it is a lifetime.
fn character_bytes(rest: &str) -> usize {
    let mut characters = rest.chars().skip(1);
    match (characters.next(), characters.next()) {
        (Some('\\'), _) => quoted_bytes(rest, '\''),
        (Some(inside), Some('\'')) => 2 + inside.len_utf8(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_blanked_and_columns_stay() {
        let text = "let a = \"fn x() {\"; // fn y\nlet b = r#\"a \" {\"#; /* { /* } */ */ let c = ['{', '\\'', '\\u{7b}'];\nfn f<'a>(x: &'a str) {}\n";
        let code = code_only(text);
        assert_eq!(code.chars().count(), text.chars().count());
        assert_eq!(code.lines().count(), text.lines().count());
        assert!(!code.contains("fn x") && !code.contains("fn y"));
        assert_eq!((code.matches('{').count(), code.matches('}').count()), (1, 1));
        assert!(code.contains("fn f<'a>(x: &'a str) {}"));
    }

    #[test]
    fn function_lengths_count_both_ends() {
        let code = "trait T {\n    fn declared(&self, a: [u8; 4]);\n}\nfn outer() {\n    fn inner() {}\n    if true {\n    }\n}\n";
        let found: Vec<_> = functions(code).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
        assert_eq!(found, [("outer".to_owned(), 4, 5), ("inner".to_owned(), 5, 1)]);
    }

    #[test]
    fn definitions_are_named_once() {
        let code = "pub const fn one() {}\npub struct TwoWords;\nlet fnord = constant;\nimpl Fn(u8) for X {}\n";
        let found: Vec<_> = definitions(code).into_iter().map(|d| (d.keyword, d.name)).collect();
        assert_eq!(found, [("fn", "one".to_owned()), ("struct", "TwoWords".to_owned())]);
    }

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("read_TheFile2"), ["read", "the", "file2"]);
        assert_eq!(words("utilisation"), ["utilisation"]);
    }
}
