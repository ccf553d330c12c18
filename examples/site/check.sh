#!/bin/sh
# Refuses pages without a title and links that lead nowhere. Prints every finding, then fails if there was one.
set -eu

findings=0
finding() {
    echo "check: $1" >&2
    findings=$((findings + 1))
}

for page in content/*.page; do
    [ -e "$page" ] || { finding "content/ has no pages"; break; }
    [ -n "$(sed -n 1p "$page")" ] || finding "$page: the first line must be the title"
    for target in $(grep -o 'href="[^":]*"' "$page" | sed 's/^href="//; s/"$//'); do
        [ -e "content/${target%.html}.page" ] || finding "$page: links to $target, which no page becomes"
    done
done

[ "$findings" -eq 0 ] || { echo "check: $findings finding(s)" >&2; exit 1; }
echo "check: all pages are sound"
