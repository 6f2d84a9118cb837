/*
 * A small language and its interpreter: variables, arithmetic, lists, functions, loops. It is what the workload `c-compiler` compiles, and
 * it is never run. It includes nothing: what it is must not depend on the headers of the system.
 */

typedef unsigned long size_t;
typedef unsigned long long hash_t;

void *malloc(size_t bytes);
void *realloc(void *block, size_t bytes);
void free(void *block);
void *memcpy(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
int printf(const char *format, ...);
void abort(void);

#define NULL ((void *)0)

/* Vectors and hash tables of any type. */

#define VECTOR(name, type)                                                                   \
  struct name {                                                                              \
    type *data;                                                                              \
    size_t length, capacity;                                                                 \
  };                                                                                         \
  static type *name##_push(struct name *vector, type value) {                                \
    if (vector->length == vector->capacity) {                                                \
      size_t capacity = vector->capacity ? 2 * vector->capacity : 8;                         \
      type *data = realloc(vector->data, capacity * sizeof(type));                           \
      if (!data) abort();                                                                    \
      vector->data = data;                                                                   \
      vector->capacity = capacity;                                                           \
    }                                                                                        \
    vector->data[vector->length] = value;                                                    \
    return &vector->data[vector->length++];                                                  \
  }                                                                                          \
  static type name##_pop(struct name *vector) {                                              \
    if (!vector->length) abort();                                                            \
    return vector->data[--vector->length];                                                   \
  }                                                                                          \
  static void name##_free(struct name *vector) {                                             \
    free(vector->data);                                                                      \
    vector->data = NULL;                                                                     \
    vector->length = vector->capacity = 0;                                                   \
  }

#define TABLE(name, key_type, value_type, hash_of, same)                                     \
  struct name {                                                                              \
    struct { key_type key; value_type value; char used; } *slots;                            \
    size_t used, capacity;                                                                   \
  };                                                                                         \
  static value_type *name##_find(const struct name *table, key_type key) {                   \
    if (!table->capacity) return NULL;                                                       \
    for (size_t at = hash_of(key) & (table->capacity - 1);; at = (at + 1) & (table->capacity - 1)) { \
      if (!table->slots[at].used) return NULL;                                               \
      if (same(table->slots[at].key, key)) return &table->slots[at].value;                   \
    }                                                                                        \
  }                                                                                          \
  static value_type *name##_add(struct name *table, key_type key, value_type value) {        \
    if (4 * (table->used + 1) > 3 * table->capacity) {                                       \
      struct name larger = {NULL, 0, table->capacity ? 2 * table->capacity : 16};            \
      larger.slots = malloc(larger.capacity * sizeof(*larger.slots));                        \
      if (!larger.slots) abort();                                                            \
      for (size_t at = 0; at < larger.capacity; at++) larger.slots[at].used = 0;             \
      for (size_t at = 0; at < table->capacity; at++)                                        \
        if (table->slots[at].used) name##_add(&larger, table->slots[at].key, table->slots[at].value); \
      free(table->slots);                                                                    \
      *table = larger;                                                                       \
    }                                                                                        \
    size_t at = hash_of(key) & (table->capacity - 1);                                        \
    while (table->slots[at].used && !same(table->slots[at].key, key)) at = (at + 1) & (table->capacity - 1); \
    table->used += !table->slots[at].used;                                                   \
    table->slots[at].key = key;                                                              \
    table->slots[at].value = value;                                                          \
    table->slots[at].used = 1;                                                               \
    return &table->slots[at].value;                                                          \
  }

struct text {
  const char *start;
  size_t length;
};

static hash_t hash_text(struct text text) {
  hash_t hash = 14695981039346656037ull;
  for (size_t i = 0; i < text.length; i++) hash = (hash ^ (unsigned char)text.start[i]) * 1099511628211ull;
  return hash ^ hash >> 32;
}

static int same_text(struct text a, struct text b) {
  return a.length == b.length && !memcmp(a.start, b.start, a.length);
}

static hash_t hash_number(long number) { return (hash_t)number * 11400714819323198485ull >> 20; }
static int same_number(long a, long b) { return a == b; }

/* Values: numbers, and lists that count their owners. */

struct list;
struct value {
  enum { NOTHING, NUMBER, DECIMAL, LIST } kind;
  union {
    long number;
    double decimal;
    struct list *list;
  } as;
};

VECTOR(values, struct value)

struct list {
  long owners;
  struct values items;
};

static struct value keep(struct value value) {
  if (value.kind == LIST) value.as.list->owners++;
  return value;
}

static void drop(struct value value) {
  if (value.kind != LIST || --value.as.list->owners > 0) return;
  while (value.as.list->items.length) drop(values_pop(&value.as.list->items));
  values_free(&value.as.list->items);
  free(value.as.list);
}

static struct value number(long number) {
  struct value value = {NUMBER, {.number = number}};
  return value;
}

static struct value decimal(double decimal) {
  struct value value = {DECIMAL, {.decimal = decimal}};
  return value;
}

static double as_decimal(struct value value) {
  switch (value.kind) {
    case NUMBER: return (double)value.as.number;
    case DECIMAL: return value.as.decimal;
    default: return 0.0;
  }
}

/* Code: one byte an operation, and four bytes for its operand. */

enum operation { PUSH, LOAD, STORE, ADD, SUBTRACT, MULTIPLY, DIVIDE, LESS, EQUAL, NOT, JUMP, JUMP_IF_NOT, CALL, RETURN, MAKE_LIST, INDEX, APPEND, PRINT, DISCARD };

VECTOR(bytes, unsigned char)
VECTOR(offsets, size_t)
TABLE(names, struct text, int, hash_text, same_text)
TABLE(constants, long, int, hash_number, same_number)

struct function {
  struct bytes code;
  struct values constants;
  struct constants known;
  struct names locals;
  int parameters;
};

VECTOR(functions, struct function)

static void emit(struct function *function, enum operation operation, int operand) {
  bytes_push(&function->code, (unsigned char)operation);
  for (int shift = 0; shift < 32; shift += 8) bytes_push(&function->code, (unsigned char)(operand >> shift));
}

static void patch(struct function *function, size_t at) {
  size_t target = function->code.length;
  for (int i = 0; i < 4; i++) function->code.data[at + 1 + i] = (unsigned char)(target >> 8 * i);
}

static int constant(struct function *function, long wanted) {
  int *known = constants_find(&function->known, wanted);
  if (known) return *known;
  int index = (int)function->constants.length;
  values_push(&function->constants, number(wanted));
  constants_add(&function->known, wanted, index);
  return index;
}

static int local(struct function *function, struct text name) {
  int *known = names_find(&function->locals, name);
  return known ? *known : *names_add(&function->locals, name, (int)function->locals.used);
}

/* The reader: words, one at a time. */

enum word { END, NAME, DIGITS, SIGN };

struct reader {
  const char *next;
  enum word word;
  struct text text;
  long number;
  struct functions *functions;
  struct names names;
  const char *failure;
};

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static int is_digit(char c) { return c >= '0' && c <= '9'; }

static void advance(struct reader *reader) {
  while (*reader->next == ' ' || *reader->next == '\n' || *reader->next == '\t') reader->next++;
  const char *start = reader->next;
  if (!*start) {
    reader->word = END;
  } else if (is_letter(*start)) {
    while (is_letter(*reader->next) || is_digit(*reader->next)) reader->next++;
    reader->word = NAME;
  } else if (is_digit(*start)) {
    for (reader->number = 0; is_digit(*reader->next); reader->next++) reader->number = 10 * reader->number + *reader->next - '0';
    reader->word = DIGITS;
  } else {
    reader->next += start[0] == '=' && start[1] == '=' ? 2 : 1;
    reader->word = SIGN;
  }
  reader->text.start = start;
  reader->text.length = (size_t)(reader->next - start);
}

static int at(const struct reader *reader, const char *word) {
  size_t i = 0;
  while (i < reader->text.length && word[i] && reader->text.start[i] == word[i]) i++;
  return reader->word != END && i == reader->text.length && !word[i];
}

static int take(struct reader *reader, const char *word) {
  if (!at(reader, word)) return 0;
  advance(reader);
  return 1;
}

static void expect(struct reader *reader, const char *word) {
  if (!take(reader, word) && !reader->failure) reader->failure = word;
}

/* The compiler: one function for each level of precedence. */

static void expression(struct reader *reader, struct function *function);

static void arguments(struct reader *reader, struct function *function, const char *end, int *count) {
  for (*count = 0; !at(reader, end) && reader->word != END && !reader->failure; ++*count) {
    if (*count) expect(reader, ",");
    expression(reader, function);
  }
  expect(reader, end);
}

static void primary(struct reader *reader, struct function *function) {
  int count;
  if (reader->word == DIGITS) {
    emit(function, PUSH, constant(function, reader->number));
    advance(reader);
  } else if (take(reader, "(")) {
    expression(reader, function);
    expect(reader, ")");
  } else if (take(reader, "[")) {
    arguments(reader, function, "]", &count);
    emit(function, MAKE_LIST, count);
  } else if (take(reader, "-")) {
    emit(function, PUSH, constant(function, 0));
    primary(reader, function);
    emit(function, SUBTRACT, 0);
  } else if (take(reader, "not")) {
    primary(reader, function);
    emit(function, NOT, 0);
  } else if (reader->word == NAME) {
    struct text name = reader->text;
    advance(reader);
    if (take(reader, "(")) {
      int *callee = names_find(&reader->names, name);
      arguments(reader, function, ")", &count);
      if (!callee || reader->functions->data[*callee].parameters != count) reader->failure = "a function with so many parameters";
      else emit(function, CALL, *callee);
    } else {
      emit(function, LOAD, local(function, name));
    }
  } else if (!reader->failure) {
    reader->failure = "an expression";
  }
  while (take(reader, "[")) {
    expression(reader, function);
    expect(reader, "]");
    emit(function, INDEX, 0);
  }
}

#define LEVEL(name, below, first, first_code, second, second_code)                           \
  static void name(struct reader *reader, struct function *function) {                       \
    below(reader, function);                                                                 \
    for (;;) {                                                                               \
      enum operation operation;                                                              \
      if (take(reader, first)) operation = first_code;                                       \
      else if (take(reader, second)) operation = second_code;                                \
      else return;                                                                           \
      below(reader, function);                                                               \
      emit(function, operation, 0);                                                          \
    }                                                                                        \
  }

LEVEL(product, primary, "*", MULTIPLY, "/", DIVIDE)
LEVEL(sum, product, "+", ADD, "-", SUBTRACT)
LEVEL(expression, sum, "<", LESS, "==", EQUAL)

static void block(struct reader *reader, struct function *function);

static void statement(struct reader *reader, struct function *function) {
  if (take(reader, "while")) {
    int start = (int)function->code.length;
    expression(reader, function);
    size_t leave = function->code.length;
    emit(function, JUMP_IF_NOT, 0);
    block(reader, function);
    emit(function, JUMP, start);
    patch(function, leave);
  } else if (take(reader, "if")) {
    struct offsets leaves = {NULL, 0, 0};
    for (;;) {
      expression(reader, function);
      size_t otherwise = function->code.length;
      emit(function, JUMP_IF_NOT, 0);
      block(reader, function);
      offsets_push(&leaves, function->code.length);
      emit(function, JUMP, 0);
      patch(function, otherwise);
      if (!take(reader, "else")) break;
      if (take(reader, "if")) continue;
      block(reader, function);
      break;
    }
    while (leaves.length) patch(function, offsets_pop(&leaves));
    offsets_free(&leaves);
  } else if (take(reader, "return")) {
    expression(reader, function);
    emit(function, RETURN, 0);
    expect(reader, ";");
  } else if (take(reader, "print")) {
    expression(reader, function);
    emit(function, PRINT, 0);
    expect(reader, ";");
  } else if (take(reader, "append")) {
    expression(reader, function);
    expect(reader, "to");
    expression(reader, function);
    emit(function, APPEND, 0);
    expect(reader, ";");
  } else if (take(reader, "let")) {
    struct text name = reader->text;
    advance(reader);
    expect(reader, "=");
    expression(reader, function);
    emit(function, STORE, local(function, name));
    expect(reader, ";");
  } else {
    expression(reader, function);
    emit(function, DISCARD, 0);
    expect(reader, ";");
  }
}

static void block(struct reader *reader, struct function *function) {
  expect(reader, "{");
  while (!at(reader, "}") && reader->word != END && !reader->failure) statement(reader, function);
  expect(reader, "}");
}

const char *compile(const char *source, struct functions *functions) {
  struct reader reader = {.next = source, .functions = functions};
  advance(&reader);
  while (reader.word != END && !reader.failure) {
    struct function function = {.parameters = 0};
    expect(&reader, "function");
    struct text name = reader.text;
    advance(&reader);
    expect(&reader, "(");
    while (reader.word == NAME) {
      local(&function, reader.text);
      function.parameters++;
      advance(&reader);
      if (!take(&reader, ",")) break;
    }
    expect(&reader, ")");
    names_add(&reader.names, name, (int)functions->length);
    struct function *added = functions_push(functions, function);
    struct function own = *added;
    block(&reader, &own);
    emit(&own, PUSH, constant(&own, 0));
    emit(&own, RETURN, 0);
    functions->data[*names_find(&reader.names, name)] = own;
  }
  free(reader.names.slots);
  return reader.failure;
}

/* The machine. */

static struct value arithmetic(enum operation operation, struct value a, struct value b) {
  if (a.kind == NUMBER && b.kind == NUMBER) {
    long x = a.as.number, y = b.as.number;
    switch (operation) {
      case ADD: return number(x + y);
      case SUBTRACT: return number(x - y);
      case MULTIPLY: return number(x * y);
      case DIVIDE: return y && x % y == 0 ? number(x / y) : decimal((double)x / (double)y);
      case LESS: return number(x < y);
      default: return number(x == y);
    }
  }
  double x = as_decimal(a), y = as_decimal(b);
  switch (operation) {
    case ADD: return decimal(x + y);
    case SUBTRACT: return decimal(x - y);
    case MULTIPLY: return decimal(x * y);
    case DIVIDE: return decimal(x / y);
    case LESS: return number(x < y);
    default: return number(x == y);
  }
}

static void show(struct value value, int depth) {
  switch (value.kind) {
    case NOTHING: printf("nothing"); break;
    case NUMBER: printf("%ld", value.as.number); break;
    case DECIMAL: printf("%g", value.as.decimal); break;
    case LIST:
      printf("[");
      for (size_t i = 0; i < value.as.list->items.length && depth < 8; i++) {
        if (i) printf(", ");
        show(value.as.list->items.data[i], depth + 1);
      }
      printf("]");
  }
}

static int truth(struct value value) {
  switch (value.kind) {
    case NOTHING: return 0;
    case NUMBER: return value.as.number != 0;
    case DECIMAL: return value.as.decimal != 0.0;
    case LIST: return value.as.list->items.length != 0;
  }
  return 0;
}

int run(const struct functions *functions, size_t called, struct values *stack) {
  const struct function *function = &functions->data[called];
  size_t base = stack->length - (size_t)function->parameters, next = 0;
  struct value a, b, nothing = {NOTHING, {0}};
  for (size_t i = (size_t)function->parameters; i < function->locals.used; i++) values_push(stack, nothing);
  while (next < function->code.length) {
    const unsigned char *code = &function->code.data[next];
    size_t operand = code[1] | (size_t)code[2] << 8 | (size_t)code[3] << 16 | (size_t)code[4] << 24;
    next += 5;
    switch ((enum operation)code[0]) {
      case PUSH: values_push(stack, function->constants.data[operand]); break;
      case LOAD: values_push(stack, keep(stack->data[base + operand])); break;
      case STORE:
        drop(stack->data[base + operand]);
        stack->data[base + operand] = values_pop(stack);
        break;
      case ADD: case SUBTRACT: case MULTIPLY: case DIVIDE: case LESS: case EQUAL:
        b = values_pop(stack);
        a = values_pop(stack);
        values_push(stack, arithmetic((enum operation)code[0], a, b));
        drop(a);
        drop(b);
        break;
      case NOT:
        a = values_pop(stack);
        values_push(stack, number(!truth(a)));
        drop(a);
        break;
      case JUMP: next = operand; break;
      case JUMP_IF_NOT:
        a = values_pop(stack);
        if (!truth(a)) next = operand;
        drop(a);
        break;
      case CALL:
        if (stack->length > 100000) return 0;
        if (!run(functions, operand, stack)) return 0;
        break;
      case RETURN:
        a = values_pop(stack);
        while (stack->length > base) drop(values_pop(stack));
        values_push(stack, a);
        return 1;
      case MAKE_LIST:
        a.kind = LIST;
        a.as.list = malloc(sizeof(struct list));
        if (!a.as.list) abort();
        a.as.list->owners = 1;
        a.as.list->items = (struct values){NULL, 0, 0};
        for (size_t i = stack->length - operand; i < stack->length; i++) values_push(&a.as.list->items, stack->data[i]);
        stack->length -= operand;
        values_push(stack, a);
        break;
      case INDEX:
        b = values_pop(stack);
        a = values_pop(stack);
        if (a.kind != LIST || b.kind != NUMBER || b.as.number < 0 || (size_t)b.as.number >= a.as.list->items.length) return 0;
        values_push(stack, keep(a.as.list->items.data[b.as.number]));
        drop(a);
        break;
      case APPEND:
        a = values_pop(stack);
        if (a.kind != LIST) return 0;
        values_push(&a.as.list->items, values_pop(stack));
        drop(a);
        break;
      case PRINT:
        a = values_pop(stack);
        show(a, 0);
        printf("\n");
        drop(a);
        break;
      case DISCARD: drop(values_pop(stack)); break;
    }
  }
  return 0;
}

int main(void) {
  static const char source[] =
      "function fibonacci(n) { if n < 2 { return n; } return fibonacci(n - 1) + fibonacci(n - 2); }"
      "function main() { let list = []; let i = 0; while i < 20 { append fibonacci(i) to list; let i = i + 1; } print list; }";
  struct functions functions = {NULL, 0, 0};
  struct values stack = {NULL, 0, 0};
  const char *failure = compile(source, &functions);
  if (failure) {
    printf("expected %s\n", failure);
    return 1;
  }
  return !run(&functions, functions.length - 1, &stack);
}
