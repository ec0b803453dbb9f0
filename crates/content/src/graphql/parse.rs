//! Executable documents of GraphQL (October 2021, section 2).

use super::document::{
    Argument, Document, Field, Fragment, Operation, OperationKind, Selection, Value,
};
use super::lex::{Lexer, SYNTAX, Token, Why};
use crate::limits::{GRAPHQL_BYTES_MAX, GRAPHQL_NESTING_MAX, GRAPHQL_TOKENS_MAX};

/// Reads a document. Definitions of types are none that a server executes.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Why> {
    if text.len() > GRAPHQL_BYTES_MAX {
        return Err("a query that is too long");
    }
    let mut lexer = Lexer::new(text, GRAPHQL_TOKENS_MAX);
    let token = lexer.next()?;
    let mut parser = Parser { lexer, token, directives: 0, nesting: 0 };
    let mut document = Document::default();
    loop {
        parser.definition(&mut document)?;
        if parser.token == Token::End {
            document.directives = parser.directives;
            return Ok(document);
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next one.
    token: Token<'a>,
    directives: u32,
    nesting: u32,
}

impl<'a> Parser<'a> {
    fn definition(&mut self, document: &mut Document<'a>) -> Result<(), Why> {
        // A description, which later editions let stand before what has a name.
        if let Token::Text(_) = self.token {
            self.advance()?;
            if self.token == Token::Punctuator(b'{') {
                return Err(SYNTAX);
            }
        }
        let kind = match self.token {
            Token::Punctuator(b'{') => {
                let (kind, selections) = (OperationKind::Query, self.selections()?);
                document.operations.push(Operation {
                    kind,
                    name: None,
                    defaults: Vec::new(),
                    selections,
                });
                return Ok(());
            }
            Token::Name("query") => OperationKind::Query,
            Token::Name("mutation") => OperationKind::Mutation,
            Token::Name("subscription") => OperationKind::Subscription,
            Token::Name("fragment") => {
                self.advance()?;
                let name = self.name()?;
                self.word("on")?;
                self.name()?;
                self.directives(true)?;
                let is_named = name != "on";
                let fragment = Fragment { name, selections: self.selections()? };
                document.fragments.push(fragment);
                return if is_named { Ok(()) } else { Err(SYNTAX) };
            }
            Token::Name(_) => return Err("a document that is not to be executed"),
            _ => return Err(SYNTAX),
        };
        self.advance()?;
        let name = if let Token::Name(name) = self.token {
            self.advance()?;
            Some(name)
        } else {
            None
        };
        let defaults = self.variables()?;
        self.directives(true)?;
        let selections = self.selections()?;
        document.operations.push(Operation { kind, name, defaults, selections });
        Ok(())
    }

    fn variables(&mut self) -> Result<Vec<Argument<'a>>, Why> {
        let mut defaults = Vec::new();
        if !self.skip(b'(')? {
            return Ok(defaults);
        }
        loop {
            self.punctuator(b'$')?;
            let name = self.name()?;
            self.punctuator(b':')?;
            self.type_reference()?;
            if self.skip(b'=')? {
                defaults.push((name, self.value(false)?));
            }
            self.directives(false)?;
            if self.skip(b')')? {
                return Ok(defaults);
            }
        }
    }

    fn type_reference(&mut self) -> Result<(), Why> {
        self.enter()?;
        if self.skip(b'[')? {
            self.type_reference()?;
            self.punctuator(b']')?;
        } else {
            self.name()?;
        }
        self.nesting -= 1;
        self.skip(b'!').map(|_| ())
    }

    fn directives(&mut self, may_vary: bool) -> Result<(), Why> {
        while self.skip(b'@')? {
            self.directives = self.directives.saturating_add(1);
            self.name()?;
            self.arguments(may_vary)?;
        }
        Ok(())
    }

    fn arguments(&mut self, may_vary: bool) -> Result<Vec<Argument<'a>>, Why> {
        let mut arguments = Vec::new();
        if !self.skip(b'(')? {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument(may_vary)?);
            if self.skip(b')')? {
                return Ok(arguments);
            }
        }
    }

    fn argument(&mut self, may_vary: bool) -> Result<Argument<'a>, Why> {
        let name = self.name()?;
        self.punctuator(b':')?;
        Ok((name, self.value(may_vary)?))
    }

    fn selections(&mut self) -> Result<Vec<Selection<'a>>, Why> {
        self.enter()?;
        self.punctuator(b'{')?;
        let mut selections = Vec::new();
        loop {
            selections.push(self.selection()?);
            if self.skip(b'}')? {
                self.nesting -= 1;
                return Ok(selections);
            }
        }
    }

    fn selection(&mut self) -> Result<Selection<'a>, Why> {
        if self.token != Token::Spread {
            return self.field().map(Selection::Field);
        }
        self.advance()?;
        match self.token {
            Token::Name("on") => {
                self.advance()?;
                self.name()?;
            }
            Token::Name(name) => {
                self.advance()?;
                self.directives(true)?;
                return Ok(Selection::Spread(name));
            }
            _ => {}
        }
        self.directives(true)?;
        self.selections().map(Selection::Inline)
    }

    fn field(&mut self) -> Result<Field<'a>, Why> {
        let first = self.name()?;
        let has_alias = self.skip(b':')?;
        let name = if has_alias { self.name()? } else { first };
        let arguments = self.arguments(true)?;
        self.directives(true)?;
        let has_more = self.token == Token::Punctuator(b'{');
        let selections = if has_more { self.selections()? } else { Vec::new() };
        Ok(Field { name, has_alias, arguments, selections })
    }

    fn value(&mut self, may_vary: bool) -> Result<Value<'a>, Why> {
        self.enter()?;
        let value = self.inner_value(may_vary)?;
        self.nesting -= 1;
        Ok(value)
    }

    fn inner_value(&mut self, may_vary: bool) -> Result<Value<'a>, Why> {
        let value = match self.token {
            Token::Number { text, .. } => Value::Number(text),
            Token::Text(text) => Value::Text(text),
            Token::Name(_) => Value::Other,
            Token::Punctuator(b'$') if may_vary => {
                self.advance()?;
                return self.name().map(Value::Variable);
            }
            Token::Punctuator(b'[') => {
                self.advance()?;
                let mut list = Vec::new();
                while !self.skip(b']')? {
                    list.push(self.value(may_vary)?);
                }
                return Ok(Value::List(list));
            }
            Token::Punctuator(b'{') => {
                self.advance()?;
                let mut members = Vec::new();
                while !self.skip(b'}')? {
                    members.push(self.argument(may_vary)?);
                }
                return Ok(Value::Object(members));
            }
            _ => return Err(SYNTAX),
        };
        self.advance()?;
        Ok(value)
    }

    /// One level deeper. Levels are counted so that none is too deep to be left again.
    fn enter(&mut self) -> Result<(), Why> {
        self.nesting += 1;
        if self.nesting > GRAPHQL_NESTING_MAX {
            Err("a query that is nested too deeply")
        } else {
            Ok(())
        }
    }

    fn advance(&mut self) -> Result<(), Why> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn name(&mut self) -> Result<&'a str, Why> {
        let Token::Name(name) = self.token else { return Err(SYNTAX) };
        self.advance()?;
        Ok(name)
    }

    fn word(&mut self, word: &str) -> Result<(), Why> {
        if self.name()? == word { Ok(()) } else { Err(SYNTAX) }
    }

    fn punctuator(&mut self, byte: u8) -> Result<(), Why> {
        if self.skip(byte)? { Ok(()) } else { Err(SYNTAX) }
    }

    /// Passes it, if it is there.
    fn skip(&mut self, byte: u8) -> Result<bool, Why> {
        let is_there = self.token == Token::Punctuator(byte);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }
}
