import { afterAll, beforeAll, test } from "vitest";
import { Server } from "../support/e2e/server.ts";
import { Room } from "../support/e2e/room.ts";
import { frameOf, closeFrameOf, OPCODE } from "../support/e2e/raw.ts";
let server: Server;
beforeAll(async () => { server = await Server.starts(); });
afterAll(() => server.stop());
const big = "x".repeat(100_000);
const cases: [string, Uint8Array[]][] = [
  ["unmasked", [frameOf(1, "hi", { masked: false })]],
  ["bad utf8", [frameOf(1, Buffer.from([0xff, 0xfe, 0x41]))]],
  ["utf8 in json", [frameOf(1, Buffer.concat([Buffer.from('{"type":"send","id":"a","text":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]))]],
  ["rsv1", [frameOf(1, "hi", { reserved: 4 })]],
  ["rsv2", [frameOf(1, "hi", { reserved: 2 })]],
  ["rsv3", [frameOf(1, "hi", { reserved: 1 })]],
  ["100k", [frameOf(1, big)]],
  ["binary", [frameOf(2, "hi")]],
  ["binary empty", [frameOf(2, "")]],
  ["continuation without start", [frameOf(0, "hi")]],
  ["text inside fragmented", [frameOf(1, "hi", { fin: false }), frameOf(1, "ho")]],
  ["fragmented then close 1000", [frameOf(1, "hi", { fin: false }), closeFrameOf(1000)]],
  ["fragmented good", [frameOf(1, '{"type":"wh', { fin: false }), frameOf(0, 'o","id":"x"}')]],
  ["close 1005", [closeFrameOf(1005)]],
  ["close 1006", [closeFrameOf(1006)]],
  ["close 1015", [closeFrameOf(1015)]],
  ["close 999", [closeFrameOf(999)]],
  ["close 0", [closeFrameOf(0)]],
  ["close 5000", [closeFrameOf(5000)]],
  ["close 65535", [closeFrameOf(65535)]],
  ["close 1 byte", [frameOf(8, Buffer.from([3]))]],
  ["close bad utf8 reason", [frameOf(8, Buffer.from([3, 0xe8, 0xff]))]],
  ["close none", [frameOf(8, "")]],
  ["close 1000", [closeFrameOf(1000, "bye")]],
  ["close 3456", [closeFrameOf(3456)]],
  ["close 1001", [closeFrameOf(1001)]],
  ["opcode 3", [frameOf(3, "hi")]],
  ["opcode 11", [frameOf(11, "hi")]],
  ["ping 126", [frameOf(9, "x".repeat(126))]],
  ["ping fragmented", [frameOf(9, "x", { fin: false })]],
  ["close fragmented", [frameOf(8, Buffer.from([3, 0xe8]), { fin: false })]],
  ["length 2^63", [Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])]],
  ["length 2^40", [Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4])]],
  ["http garbage", [Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
  ["zeros", [Buffer.alloc(64)]],
];
test("probe", async () => {
  for (const ping of [false, true]) for (const [name, bytes] of cases) {
    const room = new Room(server, `p${ping}-${name.replaceAll(" ", "-").replace("^", "")}`);
    const link = await room.entersByHand("mallory");
    if (ping) { link.says("ping"); await link.hears((t) => t.includes("pong")); }
    const t = Date.now();
    link.sends(...bytes);
    let how: string;
    try { how = JSON.stringify(await Promise.race([link.goodbye(), new Promise((r) => setTimeout(() => r("no close 1s"), 1000))])); } catch (e) { how = String(e); }
    let end: string;
    const t2 = Date.now() - t;
    try { end = JSON.stringify(await Promise.race([link.ends().then(() => "tcp end"), new Promise((r) => setTimeout(() => r("tcp open"), 1000))])); } catch (e) { end = String(e); }
    console.log(ping, name, how, t2, end, Date.now() - t, JSON.stringify(link.texts.slice(1)).slice(0, 160));
    link.vanishes();
  }
}, 200_000);
