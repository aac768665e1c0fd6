/** Thousands of rules have few sections, clusters and segments of paths among them, and each message brings texts of its own. */
const sharedTexts = new Map<string, string>();
const maxSharedTexts = 4_096;

/** The same text, and mostly the same one in memory. */
export function shared(text = ""): string {
  const known = sharedTexts.get(text);
  if (known !== undefined) return known;
  if (sharedTexts.size >= maxSharedTexts) sharedTexts.clear();
  sharedTexts.set(text, text);
  return text;
}
