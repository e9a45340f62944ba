/** Types of @std/fmt/colors, as far as they are used here. */

/** Bold. */
export function bold(text: string): string;
/** Faint. */
export function dim(text: string): string;
/** Red. */
export function red(text: string): string;
/** Cyan. */
export function cyan(text: string): string;
