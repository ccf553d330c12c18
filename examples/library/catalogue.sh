# One line for each text in the folder: its name and how many lines it has.
for file in "$1"/*.txt; do
    printf '%s\t%s\n' "$(basename "$file")" "$(wc -l < "$file" | tr -d ' ')"
done
