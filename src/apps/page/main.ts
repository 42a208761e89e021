/** The entry of the page. */
import { App } from "./app.ts";

new App().start();
