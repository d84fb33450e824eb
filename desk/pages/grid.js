// A table whose rows the server chooses: it draws them, and says what is pressed. What does not change keeps its place in
// the document, so a push takes nobody's focus away. Roles are written out: on a phone its rows are drawn as cards.
export default {
  template: `
    <div>
      <div class="grid-scroll" v-show="rows.length">
        <table role="table" :aria-label="label">
          <thead role="rowgroup"><tr role="row">
            <th v-for="col in columns" :key="col.name" role="columnheader" scope="col"
                :class="[col.kind, { sorted: col.name === sort }]" :aria-sort="way(col)">
              <button v-if="col.kind !== 'actions'" type="button" @click="$emit('sort', { name: col.name })">{{ col.label
                }}<span class="way" aria-hidden="true">{{ col.name === sort && descending ? '↓' : '↑' }}</span></button>
              <span v-else class="visually-hidden">{{ col.label }}</span>
            </th>
          </tr></thead>
          <tbody role="rowgroup">
            <tr v-for="row in rows" :key="row.__key" role="row">
              <td v-for="col in columns" :key="col.name" role="cell" :data-label="col.label"
                  :class="[col.kind, row[col.name + '__class'], { 'is-empty': !(row[col.name] ?? '').length }]">
                <div v-if="col.kind === 'actions'" class="buttons">
                  <button v-for="act in row.act" :key="act.name" type="button" class="act" :class="act.tone"
                          :aria-label="act.label + ': ' + row.__name"
                          @click="$emit('act', { name: act.name, key: row.__key })">{{ act.label }}</button>
                </div>
                <span v-else-if="col.kind === 'state' && row[col.name]" class="tag"
                      :class="row[col.name + '__tone']">{{ row[col.name] }}</span>
                <a v-else-if="row[col.name + '__link']" :href="row[col.name + '__link']">{{ row[col.name] }}</a>
                <template v-else>{{ row[col.name] }}</template>
              </td>
            </tr>
          </tbody>
        </table>
      </div>
      <div class="grid-foot" v-if="foot">
        <label>Rows <select :value="size" @change="$emit('turn', { page: 1, size: Number($event.target.value) })">
          <option v-for="one in sizes" :key="one" :value="one">{{ one }}</option>
        </select></label>
        <span>{{ first + 1 }}–{{ first + rows.length }} of {{ total }}</span>
        <button type="button" class="act" aria-label="The page before" :disabled="page === 1"
                @click="$emit('turn', { page: page - 1, size })">‹</button>
        <button type="button" class="act" aria-label="The next page" :disabled="first + rows.length >= total"
                @click="$emit('turn', { page: page + 1, size })">›</button>
      </div>
    </div>`,
  props: {
    label: String, columns: Array, rows: Array, sort: String, descending: Boolean,
    page: Number, size: Number, sizes: Array, total: Number, foot: Boolean,
  },
  emits: ["sort", "turn", "act"],
  computed: {
    first() { return (this.page - 1) * this.size; },
  },
  methods: {
    way(col) {
      if (col.kind === "actions") return null;
      return col.name !== this.sort ? "none" : this.descending ? "descending" : "ascending";
    },
  },
};
