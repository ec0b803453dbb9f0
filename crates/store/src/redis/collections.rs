//! Collections of named values: one script that changes several, and answers what they are then.
//!
//! A collection is a hash. A member is a field `m` and its name, its value the time when it ends and
//! the text; the field `t` says that members were taken out, so that their lack is not taken for a
//! loss. Names and texts are arguments of the script and nothing in it: no byte of them means
//! anything to the server. The server's clock ends members, and every key has a time to live.

use std::time::Duration;

use tokio::time::timeout;

use super::{Command, Redis, Reply, ping};
use crate::shared::{
    Act, Batch, Change, Member, Merged, Merging, Part, SharedCollections, SharedError,
};

impl Redis {
    async fn send(&self, batch: &Batch) -> Result<Merged, SharedError> {
        if batch.parts.is_empty() {
            return self.ask(&ping(), ANSWER_BYTES_MAX).await.map(|_pong| Vec::new());
        }
        let reply = self.ask(&self.merging(batch), ANSWER_BYTES_MAX).await?;
        read(reply, batch.parts.len())
    }

    fn merging(&self, batch: &Batch) -> Command {
        let prefix = &self.settings.prefix;
        let mut command = Command::default();
        let keys = u64::try_from(batch.parts.len()).unwrap_or(0).saturating_add(1);
        command.word(b"EVAL").word(SCRIPT.as_bytes()).number(keys);
        command.word(format!("{prefix}waf:said:{}", batch.id).as_bytes());
        for part in &batch.parts {
            command.word(format!("{prefix}waf:{}", part.name).as_bytes());
        }
        let changes = batch.parts.iter().any(|part| !part.changes.is_empty());
        command.number(u64::from(changes));
        for part in &batch.parts {
            write(part, &mut command);
        }
        command
    }
}

impl SharedCollections for Redis {
    fn merge<'a>(&'a self, batch: &'a Batch) -> Merging<'a> {
        Box::pin(async move {
            let merged = timeout(self.settings.time, self.send(batch)).await;
            merged.unwrap_or(Err(SharedError::Time))
        })
    }
}

fn write(part: &Part, command: &mut Command) {
    let count = |number: usize| u64::try_from(number).unwrap_or(0);
    command.number(count(part.changes.len())).number(count(part.known.len()));
    for Change { name, act, lasts, first_lasts } in &part.changes {
        command.word(name);
        match act {
            Act::Add(amount) => command.word(b"a").word(amount.to_string().as_bytes()),
            Act::Delete => command.word(b"d").word(b""),
            Act::Keep => command.word(b"k").word(b""),
            Act::Set(value) => command.word(b"s").word(value),
        };
        match lasts {
            Some(lasts) => command.millis(*lasts),
            None => command.word(b""),
        };
        command.millis(*first_lasts);
    }
    for Member { name, value, lasts } in &part.known {
        command.word(name).word(value).millis(*lasts);
    }
}

impl Command {
    fn millis(&mut self, span: Duration) -> &mut Self {
        self.word(span.as_millis().to_string().as_bytes())
    }
}

/// A list for each collection: name, value and time of each member.
fn read(reply: Reply, parts: usize) -> Result<Merged, SharedError> {
    let Reply::Array(collections) = reply else {
        return Err(SharedError::Malformed("not a list"));
    };
    if collections.len() != parts {
        return Err(SharedError::Malformed("not a list for each collection"));
    }
    collections.into_iter().map(members).collect()
}

fn members(reply: Reply) -> Result<Vec<Member>, SharedError> {
    let Reply::Array(words) = reply else {
        return Err(SharedError::Malformed("not a list of members"));
    };
    let mut members = Vec::new();
    let mut words = words.into_iter();
    while let Some(name) = words.next() {
        let (Reply::Text(name), Some(Reply::Text(value)), Some(Reply::Integer(lasts))) =
            (name, words.next(), words.next())
        else {
            return Err(SharedError::Malformed("not a member"));
        };
        let lasts = Duration::from_millis(u64::try_from(lasts).unwrap_or(0));
        members.push(Member { name, value, lasts });
    }
    Ok(members)
}

/// A collection has 256 members and 16 KiB at most, but that numbers of members may grow; it lasts a week
/// at most; that a batch was said
/// and that members were taken out is known for ten minutes. 2^53 is what a number of the script
/// can hold.
const SCRIPT: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = 0
local function word()
  at = at + 1
  return ARGV[at]
end
local function number(text)
  local sign, digits = string.match(text, '^%s*([+-]?)(%d+)')
  local size = math.min(tonumber(digits or '0') or 0, 9007199254740991)
  if sign == '-' then return 0 - size end
  return size
end
local is_new = true
if word() == '1' then
  is_new = redis.call('SET', KEYS[1], '', 'NX', 'PX', 600000) and true or false
end
local answers = {}
for i = 2, #KEYS do
  local key = KEYS[i]
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'hash' and kind ~= 'none' then
    redis.call('DEL', key)
    kind = 'none'
  end
  local held, touched, count, bytes, has_deleted = {}, {}, 0, 0, false
  local function put(name, value, ends)
    local old = held[name]
    local more = #value
    if old then more = more - #old[1] else more = more + #name end
    local is_grown = old and #value <= 20
    if not old and count >= 256 then return end
    if more > 0 and bytes + more > 16384 and not is_grown then return end
    if not old then count = count + 1 end
    bytes = bytes + more
    held[name] = { value, math.min(ends, now + 604800000) }
    touched[name] = true
  end
  local function drop(name)
    local old = held[name]
    if old then
      count, bytes = count - 1, bytes - #old[1] - #name
      held[name] = nil
    end
    touched[name] = true
  end
  local flat = redis.call('HGETALL', key)
  for j = 1, #flat, 2 do
    if string.sub(flat[j], 1, 1) == 'm' then
      local name, text = string.sub(flat[j], 2), flat[j + 1]
      local colon = string.find(text, ':', 1, true)
      local ends = colon and tonumber(string.sub(text, 1, colon - 1))
      if ends and ends > now then
        held[name] = { string.sub(text, colon + 1), ends }
        count, bytes = count + 1, bytes + #name + #text - colon
      else
        touched[name] = true
      end
    end
  end
  local changes, known = tonumber(word()), tonumber(word())
  for _ = 1, changes do
    local name, act, value, lasts, first = word(), word(), word(), word(), tonumber(word())
    if is_new and kind == 'hash' then
      local old = held[name]
      local ends = old and old[2] or now + first
      if lasts ~= '' then ends = now + tonumber(lasts) end
      if act == 'd' or ends <= now then
        drop(name)
        has_deleted = true
      elseif act == 'a' then
        local sum = number(old and old[1] or '') + number(value)
        sum = math.max(math.min(sum, 9007199254740991), -9007199254740991)
        put(name, string.format('%.0f', sum), ends)
      elseif act == 's' then
        put(name, value, ends)
      elseif old then
        put(name, old[1], ends)
      end
    end
  end
  for _ = 1, known do
    local name, value, lasts = word(), word(), tonumber(word())
    if kind == 'none' and lasts > 0 then put(name, value, now + lasts) end
  end
  local is_touched, last = false, now
  for name in pairs(touched) do
    is_touched = true
    local one = held[name]
    if one then
      redis.call('HSET', key, 'm' .. name, string.format('%.0f:', one[2]) .. one[1])
    else
      redis.call('HDEL', key, 'm' .. name)
    end
  end
  if has_deleted then
    redis.call('HSET', key, 't', '')
    is_touched = true
  end
  local answer = {}
  for name, one in pairs(held) do
    last = math.max(last, one[2])
    answer[#answer + 1] = name
    answer[#answer + 1] = one[1]
    answer[#answer + 1] = one[2] - now
  end
  if is_touched then redis.call('PEXPIRE', key, math.max(last - now, 600000)) end
  answers[i - 1] = answer
end
return answers
";

/// Sixteen collections of 16 KiB and 256 members, whose numbers and lengths take 40 bytes each.
const ANSWER_BYTES_MAX: usize = 1_024 * 1_024;
