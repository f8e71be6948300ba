// What an editor shows: TypeScript's language service, asked as an editor asks it.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** What hovering over a name shows. */
interface Hover {
  /** Its declaration. */
  readonly text: string;
  readonly documentation: string;
  readonly example: string | undefined;
}

/** The editor of one file. */
export interface Editor {
  readonly errors: string[];
  /** What hovering over the last name of the first such piece of code shows. */
  hover(code: string): Hover;
  /** What is shown behind the parenthesis at the end of the first such piece of code. */
  signatures(code: string): string[];
  /** What is offered behind the dot at the end of the first such piece of code. */
  completions(code: string): string[];
}

export function editor(text: string): Editor {
  const file = join(root, "test", "__editor.ts");
  const { options } = ts.convertCompilerOptionsFromJson(
    ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config.compilerOptions,
    root,
  );
  const contents = (path: string) => (path === file ? text : readFileSync(path, "utf8"));
  const exists = (path: string) => path === file || ts.sys.fileExists(path);
  const service = ts.createLanguageService({
    getCompilationSettings: () => ({ ...options, noEmit: true }),
    getScriptFileNames: () => [file],
    getScriptVersion: () => "1",
    getScriptSnapshot: (path) =>
      exists(path) ? ts.ScriptSnapshot.fromString(contents(path)) : undefined,
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: exists,
    readFile: contents,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  const endOf = (code: string) => {
    const at = text.indexOf(code);
    if (at < 0) {
      throw new Error(`no ${code}`);
    }
    return at + code.length;
  };
  const plain = (parts: ts.SymbolDisplayPart[] | undefined) => ts.displayPartsToString(parts);
  return {
    errors: service
      .getSemanticDiagnostics(file)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
    hover(code) {
      const info = service.getQuickInfoAtPosition(file, endOf(code) - 1);
      const example = info?.tags?.find(({ name }) => name === "example");
      return {
        text: plain(info?.displayParts),
        documentation: plain(info?.documentation),
        example: example && plain(example.text),
      };
    },
    signatures(code) {
      const help = service.getSignatureHelpItems(file, endOf(code), undefined);
      return (help?.items ?? []).map(
        ({ prefixDisplayParts, separatorDisplayParts, suffixDisplayParts, parameters }) => {
          const list = parameters.map(({ displayParts }) => plain(displayParts));
          return [
            plain(prefixDisplayParts),
            list.join(plain(separatorDisplayParts)),
            plain(suffixDisplayParts),
          ].join("");
        },
      );
    },
    completions(code) {
      const list = service.getCompletionsAtPosition(file, endOf(code), undefined);
      return (list?.entries ?? []).map(({ name }) => name);
    },
  };
}
