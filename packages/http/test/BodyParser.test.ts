import { assert, describe, it } from "@effect/vitest"
import * as BodyParser from "@effect-poll/http/BodyParser"

const bigint = BodyParser.exactIntegers({ as: "bigint" })
const text = BodyParser.exactIntegers({ as: "text" })
const unprefixed = BodyParser.withoutPrefix(BodyParser.json)

describe("BodyParser", () => {
  const read: ReadonlyArray<readonly [name: string, parse: BodyParser.BodyParser, text: string, expected: unknown]> = [
    ["json - JSON", BodyParser.json, '{"a":[1,null,"x"]}', { a: [1, null, "x"] }],
    ["lenient - JSON", BodyParser.lenient, '{"a":1}', { a: 1 }],
    [
      "lenient - NaN and both infinities",
      BodyParser.lenient,
      '{"a":NaN,"b":[Infinity, -Infinity]}',
      { a: Number.NaN, b: [Infinity, -Infinity] }
    ],
    ["lenient - NaN as the whole body", BodyParser.lenient, " NaN ", Number.NaN],
    [
      "lenient - the words within strings and names",
      BodyParser.lenient,
      '{"NaN":"NaN, Infinity \\" NaN","a":NaN}',
      { NaN: 'NaN, Infinity " NaN', a: Number.NaN }
    ],
    [
      "lenient - texts that look like tokens",
      BodyParser.lenient,
      '{"a":NaN,"b":"tNaN","s" :"sNaN","":""}',
      { a: Number.NaN, b: "tNaN", s: "sNaN", "": "" }
    ],
    ["lenient - a backslash at the end of a string", BodyParser.lenient, '["\\\\",NaN]', ["\\", Number.NaN]],
    ["exactIntegers - a large integer as a bigint", bigint, '{"id":9007199254740993}', { id: 9007199254740993n }],
    ["exactIntegers - a large integer as text", text, '{"id":1234567890123456789}', { id: "1234567890123456789" }],
    ["exactIntegers - a negative one", text, "[-9007199254740993]", ["-9007199254740993"]],
    [
      "exactIntegers - the largest that a number holds",
      text,
      "[9007199254740991,9007199254740992]",
      [9007199254740991, "9007199254740992"]
    ],
    [
      "exactIntegers - a fraction and an exponent",
      text,
      "[0.12345678901234567890,12345678901234567e2,1]",
      JSON.parse("[0.12345678901234567890,12345678901234567e2,1]")
    ],
    [
      "exactIntegers - digits within a string",
      text,
      '{"9007199254740993":"9007199254740993"}',
      { "9007199254740993": "9007199254740993" }
    ],
    [
      "exactIntegers - digits behind an escaped quote",
      text,
      '["\\"9007199254740993",9007199254740993]',
      ['"9007199254740993', "9007199254740993"]
    ],
    ["exactIntegers - small integers", bigint, '{"id":7}', { id: 7 }],
    ["withoutPrefix - no prefix", unprefixed, ' {"a":1}', { a: 1 }],
    ["withoutPrefix - an Angular prefix", unprefixed, ')]}\'\n{"a":1}', { a: 1 }],
    ["withoutPrefix - an Angular prefix with a comma", unprefixed, ')]}\',\n{"a":1}', { a: 1 }],
    ["withoutPrefix - a loop", unprefixed, 'for(;;);{"a":1}', { a: 1 }],
    ["withoutPrefix - another loop", unprefixed, 'while(1); {"a":1}', { a: 1 }],
    ["withoutPrefix - a byte order mark", unprefixed, '\ufeff{"a":1}', { a: 1 }],
    [
      "withoutPrefix - one of its own",
      BodyParser.withoutPrefix(BodyParser.lenient, { prefixes: ["#", "##"] }),
      "##NaN",
      Number.NaN
    ],
    ["lastLine - the last of several", BodyParser.lastLine(BodyParser.json), '{"a":1}\n{"a":2}\n\n', { a: 2 }],
    ["lastLine - the only one", BodyParser.lastLine(BodyParser.json), '{"a":1}', { a: 1 }],
    [
      "lastLine - lines that end with a carriage return",
      BodyParser.lastLine(BodyParser.json),
      '{"a":1}\r\n{"a":2}\r\n',
      { a: 2 }
    ]
  ]
  it.each(read)("%s", (_, parse, body, expected) => {
    assert.deepStrictEqual(parse(body), expected)
  })

  const rejected: ReadonlyArray<readonly [name: string, parse: BodyParser.BodyParser, text: string]> = [
    ["json - a page", BodyParser.json, "<html>"],
    ["lenient - a page", BodyParser.lenient, "<html>NaN</html>"],
    ["lenient - a word that only contains NaN", BodyParser.lenient, '{"a":xNaN}'],
    ["lenient - an open string", BodyParser.lenient, '{"a":NaN,"b'],
    ["exactIntegers - a page", text, "<html>9007199254740993"],
    ["exactIntegers - leading zeros", text, "[007199254740993]"],
    ["withoutPrefix - only the prefix", unprefixed, ")]}'"],
    ["lastLine - a line that is cut", BodyParser.lastLine(BodyParser.json), '{"a":1}\n{"a"'],
    ["lastLine - nothing", BodyParser.lastLine(BodyParser.json), "\n"]
  ]
  it.each(rejected)("%s is a SyntaxError", (_, parse, body) => {
    assert.throws(() => parse(body), SyntaxError)
  })

  it("lenient, exactIntegers - read a large text in a time that grows with its size only", () => {
    const quotes = `["${'\\"'.repeat(500_000)}`
    assert.throws(() => BodyParser.lenient(`${quotes} NaN`), SyntaxError)
    assert.throws(() => text(`${quotes} 9007199254740993`), SyntaxError)
  })

  it("exactIntegers, withoutPrefix - bad options are RangeErrors", () => {
    assert.throws(
      () => BodyParser.exactIntegers({ as: "number" as never }),
      RangeError,
      'as must be "bigint" or "text"'
    )
    assert.throws(() => BodyParser.withoutPrefix(BodyParser.json, { prefixes: [] }), RangeError, "prefixes")
    assert.throws(() => BodyParser.withoutPrefix(BodyParser.json, { prefixes: [""] }), RangeError, "prefixes")
  })
})
