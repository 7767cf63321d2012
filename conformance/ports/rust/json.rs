//! As much of JSON as the header of a case needs, for want of a library.

use crate::Outcome;
use std::collections::BTreeMap;

#[derive(Debug)]
pub enum Json { Number(f64), Text(String), List(Vec<Json>), Object(BTreeMap<String, Json>), Other }

impl Json {
    pub fn parse(text: &str) -> Outcome<Json> {
        Json::value(&mut &*text, 0)
    }
    /// Reads a value off the front of the text.
    fn value(text: &mut &str, depth: usize) -> Outcome<Json> {
        *text = text.trim_start();
        match text.chars().next() {
            Some('{') if depth < 50 => {
                let mut object = BTreeMap::new();
                Json::items(text, '}', |text| {
                    let Json::Text(name) = Json::value(text, depth + 1)? else {
                        return Err("a name in the JSON is no text".into());
                    };
                    *text = text.trim_start().strip_prefix(':').ok_or("no : in the JSON")?;
                    object.insert(name, Json::value(text, depth + 1)?);
                    Ok(())
                })?;
                Ok(Json::Object(object))
            }
            Some('[') if depth < 50 => {
                let mut list = vec![];
                Json::items(text, ']', |text| Ok(list.push(Json::value(text, depth + 1)?)))?;
                Ok(Json::List(list))
            }
            Some('"') => Json::text(text),
            _ => {
                let end = text.find([',', ']', '}']).unwrap_or(text.len());
                let (word, rest) = text.split_at(end);
                *text = rest;
                Ok(word.trim().parse().map_or(Json::Other, Json::Number))
            }
        }
    }
    fn items(
        text: &mut &str, close: char, mut item: impl FnMut(&mut &str) -> Outcome<()>,
    ) -> Outcome<()> {
        loop {
            *text = text[1..].trim_start(); // past the opening bracket or the comma
            if !text.starts_with(close) { item(text)?; }
            *text = text.trim_start();
            if text.starts_with(close) { *text = &text[1..]; return Ok(()); }
            if !text.starts_with(',') { return Err(format!("no {close} in the JSON")); }
        }
    }
    fn text(text: &mut &str) -> Outcome<Json> {
        let (mut found, mut chars) = (String::new(), text[1..].chars());
        while let Some(c) = chars.next() {
            match c {
                '"' => { *text = chars.as_str(); return Ok(Json::Text(found)); }
                '\\' => found.extend(chars.next()), // \n, \u: their letter is left, only in prose
                _ => found.push(c),
            }
        }
        Err("a text in the JSON does not end".into())
    }
    pub fn get(&self, name: &str) -> Outcome<&Json> {
        let Json::Object(object) = self else { return Err(format!("{name}: not in an object")); };
        object.get(name).ok_or(format!("{name} is missing in the header"))
    }
    pub fn number(&self) -> Outcome<f64> {
        if let Json::Number(v) = self { Ok(*v) } else { Err(format!("{self:?} is no number")) }
    }
    pub fn str(&self) -> Outcome<&str> {
        if let Json::Text(v) = self { Ok(v) } else { Err(format!("{self:?} is no text")) }
    }
    pub fn list(&self) -> Outcome<&[Json]> {
        if let Json::List(v) = self { Ok(v) } else { Err(format!("{self:?} is no list")) }
    }
    pub fn sizes(&self) -> Outcome<Vec<usize>> {
        self.list()?.iter().map(|each| match each.number()? {
            size if size >= 0.0 && size <= 1e15 && size.fract() == 0.0 => Ok(size as usize),
            other => Err(format!("{other} is no size")),
        }).collect()
    }
}
