-- Removes the keys of a run (KEYS, the state hash first) if its state still holds the checksum ARGV[1] ('' for none): what
-- another station has committed since is not what was judged.
if (redis.call('HGET', KEYS[1], 'checksum') or '') ~= ARGV[1] then
  return 0
end
redis.call('DEL', unpack(KEYS))
return 1
