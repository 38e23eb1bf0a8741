//! Elements whose attributes are taken one by one, so that none is overlooked.

use std::ops::Range;

use roxmltree::Node;

/// An element.
#[derive(Debug)]
pub(super) struct Element<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its place in the file.
    pub(super) range: Range<usize>,
    node: Node<'a, 'a>,
    taken: Vec<&'a str>,
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// Its place in the file.
    pub(super) at: usize,
}

impl<'a> Element<'a> {
    /// The element of a node.
    pub(super) fn new(node: Node<'a, 'a>) -> Self {
        Self { name: node.tag_name().name(), range: node.range(), node, taken: Vec::new() }
    }

    /// Takes an attribute, if it is there.
    pub(super) fn take(&mut self, name: &'a str) -> Option<Value<'a>> {
        let attribute = self.node.attribute_node(name)?;
        self.taken.push(name);
        Some(Value { text: attribute.value(), at: attribute.range_value().start })
    }

    /// Takes all attributes that are left, because there is enough said about them.
    pub(super) fn take_all(&mut self) {
        self.taken.extend(self.node.attributes().map(|attribute| attribute.name()));
    }

    /// The attributes that were not taken: name and place.
    pub(super) fn left(&self) -> impl Iterator<Item = (&'a str, usize)> + '_ {
        let attributes = self.node.attributes();
        let left = attributes.filter(|attribute| !self.taken.contains(&attribute.name()));
        left.map(|attribute| (attribute.name(), attribute.range().start))
    }

    /// The elements in it.
    pub(super) fn children(&self) -> impl Iterator<Item = Self> + use<'a> {
        self.node.children().filter(Node::is_element).map(Self::new)
    }

    /// Its first CDATA section and the place of that; `source` is the whole file.
    pub(super) fn cdata(&self, source: &'a str) -> Option<Value<'a>> {
        const OPEN: &str = "<![CDATA[";
        let mut at = self.range.start;
        loop {
            let rest = source.get(at..self.range.end)?;
            let cdata = rest.find(OPEN)?;
            match rest.find("<!--").filter(|comment| *comment < cdata) {
                Some(comment) => at += comment + rest[comment..].find("-->")? + "-->".len(),
                None => {
                    let at = at + cdata + OPEN.len();
                    let text = source.get(at..self.range.end)?;
                    return Some(Value { text: text.split("]]>").next()?, at });
                }
            }
        }
    }
}
