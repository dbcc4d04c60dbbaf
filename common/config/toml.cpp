#include <fstream>
#include <string>
#include <vector>

#include <toml++/toml.h>

extern "C" {
#include "common/config/toml.h"
}

namespace {

struct frame {
    std::string prefix; // "imap." or "" at the root
    const toml::table *table;
};

struct reader {
    wd_toml_each *each;
    void *data;
    wd_error *err;
    std::vector<frame> todo; // tables still to be read: no recursion on the depth of the input
};

wd_toml_value
value_at(const toml::node &node, const char *key)
{
    wd_toml_value v = {};

    v.key = key;
    v.kind = WD_TOML_OTHER;
    v.line = node.source().begin.line;
    v.column = node.source().begin.column;
    return v;
}

wd_toml_kind
scalar(const toml::node &node, std::string &text)
{
    if (auto s = node.as_string()) {
        text = s->get();
        return WD_TOML_STRING;
    }
    if (auto i = node.as_integer()) {
        text = std::to_string(i->get());
        return WD_TOML_INT;
    }
    if (auto b = node.as_boolean()) {
        text = b->get() ? "true" : "false";
        return WD_TOML_BOOL;
    }
    return WD_TOML_OTHER;
}

// A list of scalars; anything else in it makes it WD_TOML_OTHER, which no key accepts.
bool
give_list(reader &r, const toml::array &array, wd_toml_value v)
{
    std::vector<std::string> texts(array.size());
    std::vector<const char *> items;
    wd_toml_kind worst = WD_TOML_LIST;

    for (size_t i = 0; i < array.size(); i++) {
        if (scalar(array[i], texts[i]) == WD_TOML_OTHER)
            worst = WD_TOML_OTHER;
        items.push_back(texts[i].c_str());
    }
    v.kind = worst;
    v.items = items.data();
    v.n = items.size();
    return r.each(r.data, &v, r.err);
}

bool
give(reader &r, const toml::node &node, wd_toml_value v)
{
    std::string text;

    if (auto array = node.as_array())
        return give_list(r, *array, v);
    v.kind = scalar(node, text);
    v.text = text.c_str();
    return r.each(r.data, &v, r.err);
}

// [[interface]]: each row is announced, then its fields.
bool
give_rows(reader &r, const toml::array &array, const char *key)
{
    for (size_t row = 0; row < array.size(); row++) {
        const toml::table &fields = *array[row].as_table();
        wd_toml_value v = value_at(fields, key);
        v.kind = WD_TOML_ROW;
        v.row = row;
        if (!r.each(r.data, &v, r.err))
            return false;
        for (auto &&[name, node] : fields) {
            std::string field(name.str());
            v = value_at(node, key);
            v.row = row;
            v.field = field.c_str();
            if (!give(r, node, v))
                return false;
        }
    }
    return true;
}

bool
give_table(reader &r, const frame &f)
{
    for (auto &&[name, node] : *f.table) {
        std::string key = f.prefix + std::string(name.str());
        auto array = node.as_array();
        bool ok = true;
        if (auto inner = node.as_table())
            r.todo.push_back({ key + ".", inner });
        else if (array && !array->empty() && array->is_homogeneous<toml::table>())
            ok = give_rows(r, *array, key.c_str());
        else
            ok = give(r, node, value_at(node, key.c_str()));
        if (!ok)
            return false;
    }
    return true;
}

bool
read_all(const char *file, wd_toml_each *each, void *data, wd_error *err)
{
    std::ifstream in(file, std::ios::binary);
    reader r = { each, data, err, {} };

    if (!in)
        return wd_fail(err, WD_INVALID, "%s: cannot be read", file);
    toml::table root = toml::parse(in, std::string(file));
    r.todo.push_back({ "", &root });
    while (!r.todo.empty()) {
        frame f = r.todo.back();
        r.todo.pop_back();
        if (!give_table(r, f))
            return false;
    }
    return true;
}

} // namespace

extern "C" bool
wd_toml_read(const char *file, wd_toml_each *each, void *data, struct wd_error *err)
{
    try {
        return read_all(file, each, data, err);
    } catch (const toml::parse_error &e) {
        std::string why(e.description());
        return wd_fail(err, WD_INVALID, "%s:%u:%u: %s", file, (unsigned)e.source().begin.line,
                       (unsigned)e.source().begin.column, why.c_str());
    } catch (const std::exception &e) {
        return wd_fail(err, WD_INVALID, "%s: %s", file, e.what());
    }
}
