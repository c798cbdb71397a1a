/** Imported first: the package has another version, where a test asks for one. */
import config from "../../deno.json" with { type: "json" };

const version = Deno.env.get("MADE_VERSION");
if (version !== undefined) Object.assign(config, { version });
