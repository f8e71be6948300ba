const block = (/** @type {string} */ text) =>
  `<div class="output" role="group" aria-label="Output">\n\n\`\`\`txt\n${text}\`\`\`\n\n</div>`;

/** Markdown of an example, where what a command prints follows it. @param {string} markdown */
export function withPrinted(markdown) {
  return markdown.replace(
    /^(```sh\n[\s\S]*?^```\n\n)```\n([\s\S]*?)^```$/gm,
    (_, command, text) => command + block(text),
  );
}

/**
 * Markdown in which what a block of code prints, its last lines of comment, has
 * a place of its own. The tests of the documentation compare just these lines.
 *
 * @param {string} markdown
 */
export function withOutput(markdown) {
  return markdown.replace(/^```(ts|js)\n([\s\S]*?)^```$/gm, (_, language, body) => {
    const output = /(?<=\n)(?:\/\/.*\n)+$/.exec(body)?.[0];
    if (output === undefined) {
      return `\`\`\`${language}\n${body}\`\`\``;
    }
    const code = body.slice(0, body.length - output.length).trimEnd();
    return [`\`\`\`${language}\n${code}\n\`\`\``, block(output.replace(/^\/\/ ?/gm, ""))].join(
      "\n\n",
    );
  });
}
