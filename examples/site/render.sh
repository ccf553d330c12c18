#!/bin/sh
# Renders content/*.page into public/*.html. First line: the title. Paragraphs are separated by empty lines.
set -eu

commit=${1:-none}
rm -rf public
mkdir public

for page in content/*.page; do
    name=$(basename "$page" .page)
    title=$(sed -n 1p "$page")
    {
        while IFS= read -r line; do
            case $line in
                @BODY@)
                    awk 'NR > 2' "$page" | awk 'BEGIN { RS = ""; ORS = "\n" } { print "<p>" $0 "</p>" }'
                    ;;
                *)
                    printf '%s\n' "$line" |
                        sed "s|@TITLE@|$title|g; s|@SITE@|${SITE_NAME:-Site}|g; s|@COMMIT@|$commit|g"
                    ;;
            esac
        done <template.html
    } >"public/$name.html"
    echo "render: public/$name.html"
done
