/** `npm run docs:schema`: writes docs/protocol.schema.json. */
import { mkdirSync, writeFileSync } from "node:fs";
import { SCHEMA_FILE, schemaText } from "./protocol-schema.ts";

mkdirSync(new URL(".", SCHEMA_FILE), { recursive: true });
writeFileSync(SCHEMA_FILE, schemaText());
