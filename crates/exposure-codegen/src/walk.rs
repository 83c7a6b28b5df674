//! Walks descriptors, giving each element its full name, its comment and its line.

use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, OneofDescriptorProto,
    ServiceDescriptorProto,
};

/// An element of the protocol. Synthetic ones (of optional fields and maps) are left out.
#[derive(Clone, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) file: &'a FileDescriptorProto,
    pub(crate) full_name: String,
    pub(crate) kind: Kind<'a>,
    path: Vec<i32>,
}

/// What an element is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'a> {
    File,
    Message(&'a DescriptorProto),
    Field(&'a FieldDescriptorProto),
    Oneof(&'a OneofDescriptorProto),
    Enum(&'a EnumDescriptorProto),
    Value(&'a EnumValueDescriptorProto, &'a EnumDescriptorProto),
    Service(&'a ServiceDescriptorProto),
    Method(&'a MethodDescriptorProto),
}

impl Kind<'_> {
    /// The element's own name; a file's is its path.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::File => "",
            Self::Message(message) => message.name(),
            Self::Field(field) => field.name(),
            Self::Oneof(oneof) => oneof.name(),
            Self::Enum(enumeration) => enumeration.name(),
            Self::Value(value, _) => value.name(),
            Self::Service(service) => service.name(),
            Self::Method(method) => method.name(),
        }
    }
}

impl Element<'_> {
    /// The comment before the element, if there is one.
    pub(crate) fn comment(&self) -> Option<&str> {
        self.location()?.leading_comments.as_deref()
    }

    /// The line the element begins on, counted from 1.
    pub(crate) fn line(&self) -> usize {
        let line = self.location().and_then(|location| location.span.first().copied());
        line.and_then(|line| usize::try_from(line).ok()).map_or(0, |line| line + 1)
    }

    fn location(&self) -> Option<&prost_types::source_code_info::Location> {
        let info = self.file.source_code_info.as_ref()?;
        info.location.iter().find(|location| location.path == self.path)
    }
}

/// Every element of every file, in the order of declaration.
pub(crate) fn elements(set: &FileDescriptorSet) -> Vec<Element<'_>> {
    let mut walk = Walk { found: Vec::new() };
    for file in &set.file {
        walk.file(file);
    }
    walk.found
}

struct Walk<'a> {
    found: Vec<Element<'a>>,
}

impl<'a> Walk<'a> {
    fn file(&mut self, file: &'a FileDescriptorProto) {
        let root = Element {
            file,
            full_name: file.package().to_owned(),
            kind: Kind::File,
            path: Vec::new(),
        };
        self.found.push(root.clone());
        for (index, message) in file.message_type.iter().enumerate() {
            self.message(&root, 4, index, message);
        }
        for (index, enumeration) in file.enum_type.iter().enumerate() {
            self.enumeration(&root, 5, index, enumeration);
        }
        for (index, service) in file.service.iter().enumerate() {
            let element = self.push(&root, 6, index, Kind::Service(service));
            for (index, method) in service.method.iter().enumerate() {
                self.push(&element, 2, index, Kind::Method(method));
            }
        }
    }

    fn message(
        &mut self,
        parent: &Element<'a>,
        tag: i32,
        index: usize,
        message: &'a DescriptorProto,
    ) {
        if message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
            return;
        }
        let element = self.push(parent, tag, index, Kind::Message(message));
        for (index, field) in message.field.iter().enumerate() {
            self.push(&element, 2, index, Kind::Field(field));
        }
        for (index, oneof) in message.oneof_decl.iter().enumerate() {
            if !is_synthetic(message, index) {
                self.push(&element, 8, index, Kind::Oneof(oneof));
            }
        }
        for (index, nested) in message.nested_type.iter().enumerate() {
            self.message(&element, 3, index, nested);
        }
        for (index, enumeration) in message.enum_type.iter().enumerate() {
            self.enumeration(&element, 4, index, enumeration);
        }
    }

    fn enumeration(
        &mut self,
        parent: &Element<'a>,
        tag: i32,
        index: usize,
        enumeration: &'a EnumDescriptorProto,
    ) {
        let element = self.push(parent, tag, index, Kind::Enum(enumeration));
        for (index, value) in enumeration.value.iter().enumerate() {
            self.push(&element, 2, index, Kind::Value(value, enumeration));
        }
    }

    fn push(
        &mut self,
        parent: &Element<'a>,
        tag: i32,
        index: usize,
        kind: Kind<'a>,
    ) -> Element<'a> {
        let mut path = parent.path.clone();
        path.extend([tag, i32::try_from(index).unwrap_or(i32::MAX)]);
        let full_name = format!("{}.{}", parent.full_name, kind.name());
        let element = Element { file: parent.file, full_name, kind, path };
        self.found.push(element.clone());
        element
    }
}

/// Whether a oneof stands only for the presence of an optional field.
pub(crate) fn is_synthetic(message: &DescriptorProto, oneof: usize) -> bool {
    message.field.iter().any(|field| {
        field.proto3_optional()
            && field.oneof_index.and_then(|index| usize::try_from(index).ok()) == Some(oneof)
    })
}
