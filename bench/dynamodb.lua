-- Requests for wrk; bench/dynamodb.py writes `signed`, `work` and its settings before this. One thread of wrk runs it.
--
-- The table "bench" has `partitions` partitions of ten items of 1 KiB; "usertable" has YCSB's records: ten fields of 100 bytes,
-- a thousand records a partition, so that a scan of YCSB is a query.
math.randomseed(os.time())

local POOL = {}
for i = 1, 16384 do POOL[i] = string.char(97 + math.random(0, 25)) end
POOL = table.concat(POOL)

-- Text that no two writes share.
local function text(size)
  local at = math.random(1, #POOL - size)
  return POOL:sub(at, at + size - 1)
end

local function post(operation, body) return wrk.format("POST", "/", signed[operation], body) end

-- Items of "bench".

local function key_of(partition, at) return '"pk":{"S":"p' .. partition .. '"},"sk":{"S":"' .. at .. '"}' end
local function random_key() return key_of(math.random(0, partitions - 1), math.random(0, 9)) end
local function item(key) return '{' .. key .. ',"n":{"N":"1"},"data":{"S":"' .. text(1000) .. '"}}' end

local works = {}

function works.put() return post("PutItem", '{"TableName":"bench","Item":' .. item(random_key()) .. '}') end

function works.get() return post("GetItem", '{"TableName":"bench","Key":{' .. random_key() .. '}}') end

function works.update()
  return post("UpdateItem", '{"TableName":"bench","Key":{' .. random_key() .. '},"UpdateExpression":"SET n = n + :one",' ..
    '"ConditionExpression":"attribute_exists(pk)","ExpressionAttributeValues":{":one":{"N":"1"}}}')
end

function works.query()
  return post("Query", '{"TableName":"bench","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"p' ..
    math.random(0, partitions - 1) .. '"}}}')
end

-- One item of "usertable", by a query.
function works.query_one()
  local n = math.random(0, records - 1)
  return post("Query", '{"TableName":"' .. name .. '","KeyConditionExpression":"pk = :p AND sk = :s","ExpressionAttributeValues":{":p":{"S":"user' ..
    math.floor(n / 1000) .. '"},":s":{"N":"' .. n % 1000 .. '"}}}')
end

function works.batch()
  local first, puts = math.random(0, partitions - 1), {}
  for i = 0, 24 do puts[i + 1] = '{"PutRequest":{"Item":' .. item(key_of((first + math.floor(i / 10)) % partitions, i % 10)) .. '}}' end
  return post("BatchWriteItem", '{"RequestItems":{"bench":[' .. table.concat(puts, ",") .. ']}}')
end

-- Moves one from an item to another of another partition.
function works.transact()
  local from = math.random(0, partitions - 1)
  local to = (from + math.random(1, partitions - 1)) % partitions
  local function change(partition, sign)
    return '{"Update":{"TableName":"bench","Key":{' .. key_of(partition, math.random(0, 9)) .. '},"UpdateExpression":"SET n = n ' .. sign .. ' :one",' ..
      '"ConditionExpression":"attribute_exists(pk)","ExpressionAttributeValues":{":one":{"N":"1"}}}}'
  end
  return post("TransactWriteItems", '{"TransactItems":[' .. change(from, "-") .. ',' .. change(to, "+") .. ']}')
end

-- Every write to one partition, and every write to one item.
local next_hot = 0
function works.hot_partition()
  next_hot = next_hot + 1
  return post("PutItem", '{"TableName":"bench","Item":' .. item('"pk":{"S":"hot"},"sk":{"S":"' .. next_hot .. '"}') .. '}')
end

function works.hot_item()
  return post("UpdateItem", '{"TableName":"bench","Key":{' .. key_of("hot", "counter") .. '},"UpdateExpression":"ADD n :one",' ..
    '"ExpressionAttributeValues":{":one":{"N":"1"}}}')
end

-- YCSB: https://github.com/brianfrankcooper/YCSB/wiki/Core-Workloads

local function record_key(n) return '"pk":{"S":"user' .. math.floor(n / 1000) .. '"},"sk":{"N":"' .. n % 1000 .. '"}' end
local function record(n)
  local fields = {}
  for i = 0, 9 do fields[i + 1] = '"field' .. i .. '":{"S":"' .. text(100) .. '"}' end
  return '{' .. record_key(n) .. ',' .. table.concat(fields, ",") .. '}'
end

-- Gray et al., "Quickly generating billion-record synthetic databases", as YCSB draws its Zipfian numbers: 0 is the most frequent.
local THETA = 0.99
local zeta, half_power = 0, 1 + 0.5 ^ THETA
local function prepare_zipfian()
  for i = 1, records do zeta = zeta + 1 / i ^ THETA end
end
local function zipfian()
  local u = math.random()
  local uz = u * zeta
  if uz < 1 then return 0 end
  if uz < half_power then return 1 end
  local eta = (1 - (2 / records) ^ (1 - THETA)) / (1 - half_power / zeta)
  return math.floor(records * (eta * u - eta + 1) ^ (1 / (1 - THETA))) % records
end
-- The frequent ones spread over the table: a permutation, since the factor is a prime that does not divide `records`.
local function scattered() return zipfian() * 611953 % records end

local inserted, follow = first_insert or 0, {}

local function read(n) return post("GetItem", '{"TableName":"usertable","Key":{' .. record_key(n) .. '}}') end
local function update(key)
  local field = math.random(0, 9)
  return post("UpdateItem", '{"TableName":"usertable","Key":{' .. key .. '},"UpdateExpression":"SET field' .. field .. ' = :v",' ..
    '"ExpressionAttributeValues":{":v":{"S":"' .. text(100) .. '"}}}')
end
local function insert()
  inserted = inserted + 1
  return post("PutItem", '{"TableName":"usertable","Item":' .. record(inserted - 1) .. '}')
end
local function scan()
  local n = scattered()
  return post("Query", '{"TableName":"usertable","KeyConditionExpression":"pk = :p AND sk >= :s","Limit":' .. math.random(1, 100) ..
    ',"ExpressionAttributeValues":{":p":{"S":"user' .. math.floor(n / 1000) .. '"},":s":{"N":"' .. n % 1000 .. '"}}}')
end

function works.A() return math.random() < 0.5 and read(scattered()) or update(record_key(scattered())) end
function works.B() return math.random() < 0.95 and read(scattered()) or update(record_key(scattered())) end
function works.C() return read(scattered()) end
function works.D() return math.random() < 0.95 and read(math.max(0, inserted - 1 - zipfian())) or insert() end
function works.E() return math.random() < 0.95 and scan() or insert() end
-- Half of the reads are followed by a write of what was read.
function works.F()
  local key = table.remove(follow)
  return key and update(key) or read(scattered())
end

-- Loads `records` records, in order, and ends wrk, which would go on for all of its time.
local loaded, answered = 0, 0
function works.load()
  local puts = {}
  for i = 0, 24 do puts[i + 1] = '{"PutRequest":{"Item":' .. record((loaded + i) % records) .. '}}' end
  loaded = loaded + 25
  return post("BatchWriteItem", '{"RequestItems":{"usertable":[' .. table.concat(puts, ",") .. ']}}')
end

if work:match("^[A-F]$") then prepare_zipfian() end
request = works[work]

if work == "F" then
  function response(status, headers, body)
    local partition, at = body:match('"pk":{"S":"(user%d+)"}'), body:match('"sk":{"N":"(%d+)"}')
    if partition and math.random() < 0.5 then follow[#follow + 1] = '"pk":{"S":"' .. partition .. '"},"sk":{"N":"' .. at .. '"}' end
  end
elseif work == "load" then
  function response(status)
    if status ~= 200 then os.exit(1) end
    answered = answered + 25
    -- What was asked for first is answered when that much more was.
    if answered >= records + 25 * connections then os.exit(0) end
  end
end
