//! An executable document, as far as its cost depends on it.

/// Operations and fragments.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    pub(super) operations: Vec<Operation<'a>>,
    pub(super) fragments: Vec<Fragment<'a>>,
    /// How many directives it has, everywhere.
    pub(super) directives: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OperationKind {
    Mutation,
    Query,
    Subscription,
}

#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) kind: OperationKind,
    pub(super) name: Option<&'a str>,
    /// What variables are that the request does not give.
    pub(super) defaults: Vec<Argument<'a>>,
    pub(super) selections: Vec<Selection<'a>>,
}

#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) name: &'a str,
    pub(super) selections: Vec<Selection<'a>>,
}

#[derive(Debug)]
pub(super) enum Selection<'a> {
    Field(Field<'a>),
    Inline(Vec<Self>),
    Spread(&'a str),
}

#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) has_alias: bool,
    pub(super) arguments: Vec<Argument<'a>>,
    pub(super) selections: Vec<Selection<'a>>,
}

/// Name and value.
pub(super) type Argument<'a> = (&'a str, Value<'a>);

#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    List(Vec<Self>),
    /// As it is written.
    Number(&'a str),
    Object(Vec<Argument<'a>>),
    /// Words, flags, null.
    Other,
    /// Between its quotes, escapes and all.
    Text(&'a str),
    Variable(&'a str),
}
